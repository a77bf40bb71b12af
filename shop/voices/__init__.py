"""Reviews, messages on orders, wishes to hear when something is back.

Law: nothing is shown before it is moderated.
"""
