"""Text goes over the wire as gzip: a page shrinks to a fifth, a style sheet to a quarter.

Pages are compressed as they are made, at the quickest level; static files once per process, at the best. What streams, what is a part of a file, and pictures
stay as they are.

A form's token stands in a compressed page beside words of the visitor (the search field). Reading it letter by letter out of the sizes of many answers
(BREACH) gives nothing: the token with its signature is another one every second.
"""

import gzip
from functools import lru_cache
from pathlib import Path
from typing import cast

from flask import Flask, current_app, request
from werkzeug.wrappers import Response

SMALLEST_BYTES = 500
"""Below this an answer fits into one packet anyway."""
PAGE_LEVEL = 1
"""0.2 ms for a page of 20 kB here; level 6 took 0.4 ms to send 4.0 kB instead of 4.5."""
STATIC_LEVEL = 9
LARGEST_STATIC_BYTES = 1_000_000

_TEXT = frozenset(
    {
        "text/html",
        "text/css",
        "text/csv",
        "text/plain",
        "text/javascript",
        "application/javascript",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
    }
)


def register(app: Flask) -> None:
    """Compress what may be compressed for whoever can read it."""

    @app.after_request
    def compress(response: Response) -> Response:
        if response.mimetype not in _TEXT or response.status_code in (204, 206) or response.headers.get("Content-Encoding"):
            return response
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] <= 0:
            return response
        if request.endpoint == "static":
            _compress_static(response)
        elif not response.is_streamed and response.status_code != 304:
            _compress_page(response)
        return response


def _compress_page(response: Response) -> None:
    body = response.get_data()
    if len(body) >= SMALLEST_BYTES:
        _put(response, gzip.compress(body, PAGE_LEVEL, mtime=0))


def _compress_static(response: Response) -> None:
    """The entity tag becomes weak, since two forms of the file now share it; a browser that has it is still told 304."""
    tag, _ = response.get_etag()
    if tag is None or request.view_args is None:
        return
    response.set_etag(tag, weak=True)
    if response.status_code != 200:
        return
    path = Path(cast(str, current_app.static_folder)) / request.view_args["filename"]
    size = response.content_length or 0
    if SMALLEST_BYTES <= size <= LARGEST_STATIC_BYTES:
        _close_file(response)
        _put(response, _compressed_file(path, tag))
        response.headers.pop("Accept-Ranges", None)


@lru_cache(maxsize=512)
def _compressed_file(path: Path, tag: str) -> bytes:
    """`tag` changes with the file."""
    return gzip.compress(path.read_bytes(), STATIC_LEVEL, mtime=0)


def _close_file(response: Response) -> None:
    """Flask has opened the file already; it is not read here."""
    response.direct_passthrough = False
    if close := getattr(response.response, "close", None):
        close()


def _put(response: Response, body: bytes) -> None:
    response.set_data(body)
    response.headers["Content-Encoding"] = "gzip"
