"""Stripe, and in development the sandbox that stands where Stripe does. `stripe` is imported nowhere else."""
