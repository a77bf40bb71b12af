"""Runs a sandbox inside this process on a loopback port: for tests, and for `python -m sandbox`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.app import close_sandbox, create_sandbox
from sandbox.settings import Settings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    """A sandbox that answers at `url`."""

    url: str
    settings: Settings
    app: Flask


@contextmanager
def serve(settings: Settings) -> Iterator[Running]:
    """Run a sandbox on a free port while the block lasts; its `public_url` is set to that port."""
    listener = socket.create_server((LOOPBACK, 0))
    port = listener.getsockname()[1]
    url = f"http://{LOOPBACK}:{port}"
    app = create_sandbox(replace(settings, port=port, public_url=url))
    server = make_server(LOOPBACK, port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="sandbox-server", daemon=True)
    thread.start()
    try:
        yield Running(url=url, settings=app.extensions["sandbox"].settings, app=app)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()
        close_sandbox(app)


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open between requests, as Stripe does, and writes no line for each."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return
