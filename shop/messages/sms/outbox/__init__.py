"""Short messages as files, where nobody sends them."""
