"""Reviews, messages on orders, wishes to hear when something is back.

Law: no review is shown before it is moderated. A message is between a buyer and either the shop's staff or one cooperative of the order; staff
read them all. It is never changed, only emptied when its buyer is forgotten.
"""
