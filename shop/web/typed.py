"""What people type, made fit to keep: on one line, without what cannot be seen."""

import re

_JOINER = "\N{ZERO WIDTH JOINER}"
_LOOSE_JOINER = re.compile(rf"(?<![\u2190-\U0010ffff]){_JOINER}|{_JOINER}(?![\u2190-\U0010ffff])")
"""One that joins no two pictures: it would stand there unseen."""


def clean(text: str | None, *, most: int) -> str:
    """`text` on one line, its spaces single, without signs that cannot be seen (PostgreSQL keeps no NUL), at most `most` characters.

    The joiner within a picture of several, such as a family 👨‍👩‍👧, stays; marks that turn the direction of writing go.
    """
    words = _LOOSE_JOINER.sub("", "".join(sign for sign in text or "" if sign.isprintable() or sign.isspace() or sign == _JOINER)).split()
    return " ".join(words)[:most].rstrip()


def clean_lines(text: str | None, *, most: int) -> str:
    """`text` with its lines, each as `clean` makes it and no two empty ones together, at most `most` characters."""
    lines = [clean(line, most=most) for line in (text or "").splitlines()]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept).strip()[:most].rstrip()


_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")


def email_in(text: str) -> str | None:
    """An e-mail address in small letters; None for what can be none."""
    email = text.strip().casefold()
    return email if len(email) <= 254 and email.isprintable() and _EMAIL.fullmatch(email) else None


def clean_text(text: str | None, *, most: int) -> str:
    """`text` with its lines and the spaces at their beginnings, which Markdown needs, without signs that cannot be seen, at most `most` characters."""
    lines = ["".join(sign for sign in line if sign.isprintable()).rstrip() for line in (text or "").replace("\t", "    ").splitlines()]
    return "\n".join(lines).strip("\n")[:most].rstrip()
