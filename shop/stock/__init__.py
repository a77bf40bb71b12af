"""Harvest lots: what a cooperative brought in, whose fields it came from, and what is left of it.

Law: packed grams never exceed produced grams; held, sold and written-off units never exceed packed units; every change is a Movement.
"""
