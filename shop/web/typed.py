"""What people type, made fit to keep: on one line, without what cannot be seen."""


def clean(text: str | None, *, most: int) -> str:
    """`text` on one line, its spaces single, without signs that cannot be seen (PostgreSQL keeps no NUL), at most `most` characters."""
    words = "".join(sign if sign.isprintable() or sign.isspace() else "" for sign in text or "").split()
    return " ".join(words)[:most].rstrip()
