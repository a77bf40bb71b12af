"""The app factory: a table of contents of the shop."""

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import shop.models
from config import ROOT, Config
from shop import cli, web
from shop.extensions import babel, compress, csrf, db, limiter, login_manager, migrate, prepare_engine
from shop.kit import logs
from shop.payments.registry import install_providers

assert shop.models  # every table is known before the first query


def create_app(config: Config | None = None, **overrides: Any) -> Flask:
    """Put the shop together. `overrides` are Flask settings for tests.

    Raises BadSetting when the environment is wrong.
    """
    config = config or Config.from_environment()
    app = Flask(
        "shop", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"), instance_path=str(config.instance_path)
    )
    app.config.update(config.for_flask())
    app.config.update(overrides)
    config.instance_path.mkdir(parents=True, exist_ok=True)

    logs.configure(json_lines=config.is_production)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    login_manager.init_app(app, add_context_processor=False)  # templates know `signed_in`
    login_manager.user_loader(web.load_signed_in)
    babel.init_app(app, locale_selector=web.choose_locale)
    csrf.init_app(app)
    limiter.init_app(app)
    compress.init_app(app)
    install_providers(app, config)

    web.register(app)
    cli.register(app)
    if config.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies, x_proto=config.trusted_proxies, x_host=config.trusted_proxies)  # type: ignore[method-assign]  # Flask documents this assignment
    return app
