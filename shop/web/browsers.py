"""What the browser behind a request cannot do.

WeChat's own browser (its name says MicroMessenger) blocks the way to Alipay, and cannot scan the code on its own screen by which Stripe takes WeChat
Pay (docs.stripe.com/payments/wechat-pay: customers scan a QR code); cards work there.
"""

from flask import request

_CANNOT = ("alipay", "wechat_pay")


def is_wechat() -> bool:
    """Whether the page is read inside WeChat."""
    return "MicroMessenger" in (request.user_agent.string or "")


def hidden_methods() -> tuple[str, ...]:
    """Methods that would lead nowhere in this browser."""
    return _CANNOT if is_wechat() else ()
