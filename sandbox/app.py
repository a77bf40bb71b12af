"""Puts the sandbox together: `create_sandbox(settings)` reads like its table of contents."""

from __future__ import annotations

import atexit
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from sandbox.api import api
from sandbox.control import control
from sandbox.courier import Courier
from sandbox.desk import desk
from sandbox.house import House
from sandbox.pages import pages
from sandbox.settings import Settings
from sandbox.store import Store

HERE = Path(__file__).resolve().parent
LARGEST_REQUEST_BYTES = 1_000_000


def create_sandbox(settings: Settings) -> Flask:
    """A sandbox with its own store, and, when `settings.delivers`, a running courier.

    `app.extensions["sandbox"]` is its House, `app.extensions["sandbox_courier"]` its Courier; `close_sandbox(app)` ends both.
    """
    app = Flask("sandbox", template_folder=str(HERE / "templates"), static_folder=str(HERE / "static"))
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_REQUEST_BYTES
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    house = House(settings=settings, store=Store(settings.database))
    courier = Courier(house)
    app.extensions["sandbox"] = house
    app.extensions["sandbox_courier"] = courier
    app.register_blueprint(api)
    app.register_blueprint(control)
    app.register_blueprint(pages)
    app.register_blueprint(desk)
    if settings.delivers:
        courier.start()
        atexit.register(courier.stop)
    return app


def close_sandbox(app: Flask) -> None:
    """Stop the courier and close the store. The sandbox answers no more."""
    courier: Courier = app.extensions["sandbox_courier"]
    house: House = app.extensions["sandbox"]
    courier.stop()
    atexit.unregister(courier.stop)
    house.store.close()
