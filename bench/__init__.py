"""Benchmarks: whole processes over many requests, beside a floor measured in the same run. See README.md here."""
