"""Headers of every answer: nothing inline, nothing from other hosts, nothing kept by caches that is somebody's own."""

from datetime import datetime, timedelta

from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer

from config import Config
from shop.kit.clock import utc_now

RENEWED_AFTER = timedelta(hours=1)
"""A session that is kept lasts thirty days from the last visit, exact to an hour: signing and sending its cookie with every answer costs more than it tells."""


class VisitSession(SecureCookieSession):
    """A session that knows how old its cookie is."""

    signed_at: datetime | None = None
    """None: it has no cookie yet."""


class Sessions(SecureCookieSessionInterface):
    """What everybody may keep, such as pictures and style sheets, carries nobody's cookie, or caches between us and the buyers would not keep it."""

    session_class = VisitSession

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Made once: nothing of it changes while the application lives."""
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    def open_session(self, app: Flask, request: Request) -> VisitSession | None:
        """As Flask does, and when the cookie was signed."""
        signer, cookie = self.get_signing_serializer(app), request.cookies.get(self.get_cookie_name(app))
        if signer is None or not cookie:
            return None if signer is None else VisitSession()
        try:
            told, signed_at = signer.loads(cookie, max_age=int(app.permanent_session_lifetime.total_seconds()), return_timestamp=True)
        except BadSignature:
            return VisitSession()
        session = VisitSession(told)
        session.signed_at = signed_at
        return session

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """When something in it changed, and now and then while it is kept."""
        signed_at = session.signed_at if isinstance(session, VisitSession) else None
        is_old = signed_at is None or utc_now() - signed_at > RENEWED_AFTER
        return session.modified or (bool(session.permanent) and is_old)

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
