"""Bank transfer 对公转账: a provider whose money moves at a bank that answers nobody but the people who read its statement.

Law: only people say whose money a bank line is, once; each fen of a line belongs to one payment at most; what is too much is owed back.
"""
