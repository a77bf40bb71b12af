"""Orders: what somebody bought, as it was at that moment, and what became of it.

Law: an order is a snapshot and never follows the catalogue; it moves only along `states.py`; it takes no money.
"""
