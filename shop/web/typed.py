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
