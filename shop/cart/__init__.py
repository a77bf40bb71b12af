"""Baskets, of guests and of people with an account.

Law: a basket promises nothing and holds no stock; it remembers the price that was seen, so that a change can be said.
"""
