"""Money in and out through sealed providers: payments, refunds, and what providers told us.

Law: an event is a hint, not a fact; a payment moves forward only; nothing here knows an order, only the `reference` it pays for.
"""
