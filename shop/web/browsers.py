"""What the browser behind a request is called, and what it cannot do.

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


_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("HuaweiBrowser", "Huawei"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""In the order in which their names hide in each other's."""
_SYSTEMS = (
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def device_words() -> str:
    """Browser and system in two words, for the list of devices: `Chrome · Windows`. Empty when neither is known."""
    agent = request.user_agent.string or ""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return " · ".join(word for word in (browser, system) if word)
