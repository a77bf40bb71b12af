"""Headers of every answer: nothing inline, nothing from other hosts, nothing kept by caches that is somebody's own."""

from flask import Flask, current_app, request
from werkzeug.wrappers import Response

from config import Config


def register(app: Flask) -> None:
    """Add the headers to every answer."""
    config: Config = app.config["SHOP"]
    # Browsers apply form-action to the redirect after a form as well, so the provider's host must stand here (DESIGN §5).
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' data:",
            "style-src 'self'",
            "script-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {config.stripe_pay_host}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "manifest-src 'self'",
        )
    )

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"  # an order's address holds its key
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if config.is_production:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if request.endpoint == "static":
            versioned = "v" in request.args
            headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned and not current_app.debug else "no-cache"
        else:
            headers.setdefault("Cache-Control", "private, no-store")
            headers.add("Vary", "Cookie")
        return response
