"""Headers of every answer: nothing inline, nothing from other hosts, nothing kept by caches that is somebody's own."""

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from config import Config


class Sessions(SecureCookieSessionInterface):
    """What everybody may keep, such as pictures and style sheets, carries nobody's cookie, or caches between us and the buyers would not keep it."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """As Flask does, for answers that are somebody's own."""
        if "public" not in response.headers.get("Cache-Control", ""):
            super().save_session(app, session, response)


def register(app: Flask) -> None:
    """Add the headers to every answer."""
    app.session_interface = Sessions()
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
            if "public" not in headers.setdefault("Cache-Control", "private, no-store"):
                headers.add("Vary", "Cookie")
        return response
