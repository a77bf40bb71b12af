"""What reads across domains: sales by village, and the checks of the books. Never the source of a figure."""
