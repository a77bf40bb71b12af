"""Short messages: one contract, and a sealed folder for each provider.

Law: a provider knows no letter, no order and no database; whoever calls it has no transaction open. A number is never logged.
"""
