"""Parcels: one per cooperative of an order, what they cost and where they are.

Law: the rules of price and reach are code (`rules.py`); shipping is collected for the carrier and never touches a village's money.
"""
