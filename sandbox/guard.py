"""Who may pull the strings: this machine alone, and no web page of another origin that happens to be open on it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request

_HERE = ("127.0.0.1", "::1", "localhost")


def is_from_here(request: Request) -> bool:
    """Whether the request came straight from this machine, and called us by a name of the loopback interface.

    Another name may belong to a page that has rebound it to us.
    """
    through_proxy = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.remote_addr in ("127.0.0.1", "::1") and not through_proxy and urlsplit(f"//{request.host}").hostname in _HERE


def is_from_our_page(request: Request) -> bool:
    """Whether a form was sent by a page of ours: browsers say where a POST comes from, programs need not."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    return site in ("same-origin", "none") and (origin is None or urlsplit(origin).netloc == request.host)
