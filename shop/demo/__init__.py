"""The demo county, told through the same services people use. Never imported in production.

Real are the official codes and names, the pairings with a source, and what `data/sources.csv` lists; prices, packs, shelf lives, stories, lots and
sales are placeholders, and the shop shows them as 示例. The whole story hangs on one day, the one on which it was first told: told again, on
that day or a later one, it is the same story and changes nothing.
"""
