"""Stripe as a provider: hosted Checkout Sessions in CNY and refunds, through Stripe's own SDK (API 2026-10-28.endive).

Law: every option is stated, so that nothing follows a dashboard except which methods of payment are offered; what may be asked twice carries
a key; no transaction is open while Stripe is asked.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3

from shop.extensions import require_no_transaction
from shop.payments.models import RefundState
from shop.payments.provider import Asked, AskedLine, Opened, Outcome, OutcomeKind, RefundAnswer, RefundAsked, RefundSeen
from shop.payments.stripe.account import StripeAccount
from shop.payments.stripe.errors import translated

if TYPE_CHECKING:
    from stripe import Refund
    from stripe.params import RefundCreateParams, RefundListParams
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

STRIPE = "https://api.stripe.com"
CONNECT_SECONDS = 3.0
READ_SECONDS = 7.0
"""Longest silence once connected. A buyer is waiting: what has not been answered by then is asked again later, with the same key."""
MOST_LINES = 100
"""Stripe's limit on the line items of one session (docs.stripe.com/api/checkout/sessions/create)."""

_HIDDEN: "Mapping[str, Literal['alipay', 'wechat_pay']]" = {"alipay": "alipay", "wechat_pay": "wechat_pay"}

_ONE_MORE_TRY = 1  # the SDK repeats with the same key after a lost connection, a 409 or a 5xx
_MOST_CONNECTIONS = 32
_SESSIONS = "/v1/checkout/sessions"
_WITH_MONEY = {"expand": ["payment_intent.latest_charge"]}
_STILL_PAYING = {"processing", "requires_action", "requires_capture"}
_REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}

# It would send how long requests take, under an id that the SDK writes into a file of the home directory.
stripe.enable_telemetry = False


class StripeGateway(StripeAccount):
    """Keeps the contract of shop.payments.provider.Provider. One per process; its connections are kept open and shared by threads."""

    name = "stripe"

    def __init__(
        self,
        secret_key: str,
        *,
        api_base: str | None,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """`api_base`: where the sandbox listens; None is Stripe itself."""
        is_direct = api_base is not None or proxy_bypass(STRIPE.removeprefix("https://"))
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base or STRIPE},
            http_client=_KeptConnections({} if is_direct else getproxies(), connect_seconds, read_seconds),
            max_network_retries=_ONE_MORE_TRY,
        )
        super().__init__(client)
        self._client = client
        self._refunds = client.v1.refunds

    def start(self, asked: Asked) -> Opened:
        """Open a page to pay on. `asked.expires_at` must be 30 minutes to 24 hours away when Stripe hears of it.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        with translated():
            try:
                session = self._ask("post", _SESSIONS, _page(asked, asked.email), once=asked.once)
            except stripe.InvalidRequestError as error:
                if error.param != "customer_email":
                    raise
                # Stripe is pickier about addresses than the world is. The address only saves typing, so nobody is turned away for it.
                session = self._ask("post", _SESSIONS, _page(asked, None), once=f"{asked.once}:without-email")
        assert session["url"] is not None, "a new session of a hosted page has an address"
        return Opened(session["id"], session["url"], datetime.fromtimestamp(session["expires_at"], UTC))

    def outcome(self, session_id: str) -> Outcome:
        """What became of a session.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        with translated():
            return self._outcome_now(session_id)

    def expire(self, session_id: str) -> Outcome:
        """Close a page, unless it is closed already, and say what became of it.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        with translated():
            try:
                return _outcome(self._ask("post", f"{_SESSIONS}/{quote(session_id, safe='')}/expire", _WITH_MONEY))
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    raise
                return self._outcome_now(session_id)  # no longer open: paid or expired

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """Send money back, once for each key, however much later the key comes again.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        with translated():
            # Stripe may forget a key after a day (docs.stripe.com/api/idempotent_requests), and the sweep asks for longer than that.
            if known := self._find_refund(asked):
                return _answer(known)
            wanted: RefundCreateParams = {
                "payment_intent": asked.intent_id,
                "amount": asked.amount_fen,
                "reason": "requested_by_customer",
                "metadata": {"order": asked.reference, "once": asked.once},
            }
            refund = self._refunds.create(wanted, {"idempotency_key": asked.once})
        return _answer(refund)

    def refund_state(self, provider_id: str) -> RefundAnswer:
        """What became of a refund.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        with translated():
            return _answer(self._refunds.retrieve(provider_id))

    def list_refunds(self, *, intent_id: str | None = None, since: datetime | None = None) -> Sequence[RefundSeen]:
        """Every refund that Stripe has made, oldest first: of one payment, or of all since a moment, those of its dashboard too.

        Raises ProviderUnavailable or ProviderRefused.
        """
        require_no_transaction()
        wanted: RefundListParams = {"limit": 100}
        if intent_id is not None:
            wanted["payment_intent"] = intent_id
        if since is not None:
            wanted["created"] = {"gte": int(since.timestamp())}
        with translated():
            found = [_seen(refund) for refund in self._refunds.list(wanted).auto_paging_iter() if refund.payment_intent is not None]
        return found[::-1]

    def _outcome_now(self, session_id: str) -> Outcome:
        return _outcome(self._ask("get", f"{_SESSIONS}/{quote(session_id, safe='')}", _WITH_MONEY))

    def _ask(
        self, method: str, path: str, wanted: Mapping[str, Any], *, once: str | None = None
    ) -> Mapping[str, Any]:  # Any: Stripe's JSON
        """A session as Stripe's own JSON: the SDK asks, but builds no objects of it, which would cost as much as asking."""
        key = {"idempotency_key": once} if once is not None else {}
        answer = self._client.raw_request(method, path, **wanted, **key)
        found: Mapping[str, Any] = answer.data
        return found

    def _find_refund(self, asked: RefundAsked) -> "Refund | None":
        wanted: RefundListParams = {"payment_intent": asked.intent_id, "limit": 100}
        refunds = self._refunds.list(wanted)
        return next((refund for refund in refunds.auto_paging_iter() if getattr(refund.metadata, "once", None) == asked.once), None)


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _page(asked: Asked, email: str | None) -> "SessionCreateParams":
    """A hosted page that asks for `asked.amount_fen` and for nothing else. Methods of payment are Stripe's dynamic ones."""
    currency = asked.currency.lower()
    lines = asked.lines if len(asked.lines) <= MOST_LINES else [AskedLine(asked.reference, 1, asked.amount_fen)]
    items = [_line_item(line, currency) for line in lines]
    assert sum(line.amount_fen for line in lines) == asked.amount_fen, "the lines sum to what is asked"
    page: SessionCreateParams = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "line_items": items,
        "client_reference_id": asked.reference,
        "metadata": {"order": asked.reference},
        "payment_intent_data": {
            "description": asked.reference,
            "metadata": {"order": asked.reference},
            "capture_method": "automatic_async",
        },
        "expires_at": int(asked.expires_at.timestamp()),
        "success_url": asked.success_url,
        "cancel_url": asked.cancel_url,
        "locale": asked.locale if asked.locale in ("zh", "en") else "auto",
        "submit_type": "pay",
        "billing_address_collection": "auto",
        "customer_creation": "if_required",
        "phone_number_collection": {"enabled": False},
        "tax_id_collection": {"enabled": False},
        "automatic_tax": {"enabled": False},
        "allow_promotion_codes": False,
        "adaptive_pricing": {"enabled": False},  # the buyer pays the sum that the order says, in its currency
        "invoice_creation": {"enabled": False},
    }
    if email is not None:
        page["customer_email"] = email
    if asked.hidden_methods:
        page["excluded_payment_method_types"] = [_HIDDEN[method] for method in asked.hidden_methods]
    return page


def _line_item(line: AskedLine, currency: str) -> "SessionCreateParamsLineItem":
    """Stripe multiplies price by quantity. A sum that does not divide, after a discount, is shown as one thing with its number in the name."""
    each, rest = divmod(line.amount_fen, line.quantity)
    name, quantity = (line.name, line.quantity) if rest == 0 else (f"{line.name} × {line.quantity}", 1)
    return {
        "quantity": quantity,
        "price_data": {
            "currency": currency,
            "unit_amount": each if rest == 0 else line.amount_fen,
            "product_data": {"name": name},
            "tax_behavior": "inclusive",
        },
    }


# ── What is answered ──────────────────────────────────────────────────────────────────────────────────────────────────


def _outcome(session: Mapping[str, Any]) -> Outcome:
    """Money decides, not the session's own state: a bank that answers late pays a session that has expired."""
    intent = _expanded(session["payment_intent"])
    if intent is not None and intent["status"] == "succeeded":
        charge = _expanded(intent["latest_charge"])
        details = charge["payment_method_details"] if charge is not None else None
        return Outcome(
            kind=OutcomeKind.PAID,
            session_id=session["id"],
            intent_id=intent["id"],
            received_fen=intent["amount_received"],
            currency=intent["currency"].upper(),
            method=details["type"] if details is not None else None,
            refunded_fen=charge["amount_refunded"] if charge is not None else 0,
        )
    is_open = session["status"] == "open" or (session["status"] == "complete" and intent is not None and intent["status"] in _STILL_PAYING)
    return Outcome(
        kind=OutcomeKind.OPEN if is_open else OutcomeKind.EXPIRED,
        session_id=session["id"],
        intent_id=intent["id"] if intent is not None else None,
        received_fen=0,
        currency=(session["currency"] or "").upper(),
        method=None,
    )


def _expanded(thing: Any) -> Mapping[str, Any] | None:  # Any: an object, its id, or nothing
    return thing if isinstance(thing, Mapping) else None


def _answer(refund: "Refund") -> RefundAnswer:
    state = _REFUND_STATES.get(refund.status or "", RefundState.PENDING)
    trouble = (getattr(refund, "failure_reason", None) or refund.status) if state is RefundState.FAILED else None
    return RefundAnswer(refund.id, state, trouble)


def _seen(refund: "Refund") -> RefundSeen:
    return RefundSeen(
        provider_id=refund.id,
        intent_id=str(refund.payment_intent),  # never expanded here
        amount_fen=refund.amount,
        currency=refund.currency.upper(),
        state=_answer(refund).state,
        once=getattr(refund.metadata, "once", None),
        made_at=datetime.fromtimestamp(refund.created, UTC),
    )


# ── The wire ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _KeptConnections(stripe.HTTPClient):
    """One pool of kept connections for all threads. At worst two tries to connect, or one and a silence: about ten seconds.

    The SDK's own client asks through Requests, whose sessions, cookies and adapters take as long as the rest of asking; and it reads proxies
    and ~/.netrc anew for every request, and lets the latter replace the key.
    """

    name = "urllib3"

    def __init__(self, proxies: Mapping[str, str], connect_seconds: float, read_seconds: float) -> None:
        super().__init__()
        options: dict[str, Any] = {  # Any: of several kinds
            "num_pools": 1,
            "maxsize": _MOST_CONNECTIONS,
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "retries": False,
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": stripe.ca_bundle_path,
        }
        proxy = proxies.get("https") or proxies.get("all")
        self._pool = urllib3.ProxyManager(proxy, proxy_headers=_who_asks(proxy), **options) if proxy else urllib3.PoolManager(**options)

    def request(  # type: ignore[override]  # the SDK's own clients differ from their base in the same two ways
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # as the SDK declares it: what it has encoded
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request. Who has kept silent once is not asked again at once: the buyer has waited long enough."""
        try:
            answer = self._pool.urlopen(method.upper(), url, headers=headers, body=post_data, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            should_retry = isinstance(error, _WORTH_ANOTHER_TRY)
            raise stripe.APIConnectionError(type(error).__name__, should_retry=should_retry) from error  # type: ignore[no-untyped-call]  # theirs
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.clear()


_WORTH_ANOTHER_TRY = (
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.ProxyError,
)


def _who_asks(proxy: str) -> dict[str, str]:
    """The header for a proxy whose address names who may pass."""
    parts = urlsplit(proxy)
    who = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return dict(urllib3.make_headers(proxy_basic_auth=who)) if who else {}
