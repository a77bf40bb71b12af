"""What writes across domains: one file per act, each one function and one transaction."""
