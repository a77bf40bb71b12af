"""Invoices 发票, certificates, permits.

Law: a paper never changes a figure.
"""
