"""Where things come from: towns, villages, cooperatives and who works for them, eastern units and their pairings.

Law: a village's official code may be missing, and its name is stored as printed at the time; nothing here holds stock or money.
"""
