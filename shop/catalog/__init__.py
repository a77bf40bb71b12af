"""What is offered: categories, products, SKUs and the words they are found by.

Law: a product without a village of origin is never published; nothing here promises availability.
"""
