"""How long a provider sends money back by the way it came. Pure.

Alipay refunds within 90 days of the payment (docs.stripe.com/payments/alipay), WeChat Pay within 180 (docs.stripe.com/payments/wechat-pay); cards have
no such end. Past it, people send the money from the bank account.
"""

from datetime import datetime, timedelta

WINDOWS = {"alipay": timedelta(days=90), "wechat_pay": timedelta(days=180)}


def window_ends(method: str | None, paid_at: datetime | None) -> datetime | None:
    """From when on the provider sends nothing back of a payment by this method; None: never."""
    window = WINDOWS.get(method or "")
    return paid_at + window if window is not None and paid_at is not None else None


def is_past_window(method: str | None, paid_at: datetime | None, *, now: datetime) -> bool:
    """Whether a refund has to go by bank transfer."""
    ends = window_ends(method, paid_at)
    return ends is not None and now >= ends
