"""Vouchers and their uses.

Law: an offer never changes a price; its share is stored on each line at purchase.
"""
