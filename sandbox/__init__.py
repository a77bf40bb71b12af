"""A pretend Stripe: the part of Stripe's HTTP API that the shop uses, a pay page marked 演示支付 · 不会扣款, and signed webhooks.

Law: it moves no money and asks for no card number; it shares no import with the shop, which talks to it over HTTP through Stripe's
own SDK, exactly as to the real one; it is bound to the loopback interface alone; whatever it plays, it plays as Stripe's API version
2026-10-28.endive documents it, and what it does not play it refuses by name instead of ignoring it.
"""
