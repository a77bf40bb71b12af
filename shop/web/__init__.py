"""HTTP: one package per audience, one blueprint per module, one permission per address.

Law: a handler reads the form, calls one act or query, then redirects or names a template. It decides nothing and never touches the session of the database.
"""

from flask import Flask

from shop.origin.bearings import BIJIANG
from shop.origin.outline import approved_map
from shop.web import account, cooperative, errors, filters, headers, hooks, operations, photos, staff, storefront
from shop.web.current import choose_locale, common_variables, load_signed_in, note_seen, static_url
from shop.web.uploads import ShopRequest

__all__ = ["choose_locale", "load_signed_in", "register"]


def register(app: Flask) -> None:
    """Put every address, filter, header and error page on the app."""
    app.request_class = ShopRequest
    errors.register(app)
    filters.register(app)
    headers.register(app)
    photos.register(app)
    app.after_request(note_seen)
    app.context_processor(common_variables)
    app.jinja_env.globals["static_url"] = static_url  # macros are imported without a page's context
    app.jinja_env.globals["approved_map"] = approved_map(app.config["SHOP"].map_approval, BIJIANG)
    for audience in (storefront, account, cooperative, staff, hooks, operations):
        app.register_blueprint(audience.blueprint)
