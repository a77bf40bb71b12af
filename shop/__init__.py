"""山海集 · Shanhai Market: a shop that knows which village each fen of each sale belongs to.

The floors, from the ground up, stand in docs/architecture.md; tests/architecture/test_floors.py holds them.
"""
