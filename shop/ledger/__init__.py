"""The books: accounts, entries, postings, and the attribution of each fen to a village.

Law: an entry's postings sum to nought per currency; nothing is ever changed or deleted, a mistake is reversed by a new entry. The database itself
keeps both (`triggers.py`). Debits are positive, credits negative.
"""
