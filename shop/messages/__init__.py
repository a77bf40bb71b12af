"""Letters: e-mail (SMS later), rendered and sent; called by the worker only."""
