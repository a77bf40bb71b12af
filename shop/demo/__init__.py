"""The demo county, told through the same services people use. Never imported in production."""
