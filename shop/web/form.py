"""The form that every other one is: Flask-WTF's, whose missing types are named here once."""

from flask_wtf import FlaskForm


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Fields, their checks, and a token against forged requests."""
