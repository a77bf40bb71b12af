"""Papers: photographs and PDF files that prove something, such as receipts, resolutions, bank slips, certificates and permits.

Law: a paper never changes a figure; what it is, its content says and not its name; photographs are kept without what a telephone writes into them.
"""
