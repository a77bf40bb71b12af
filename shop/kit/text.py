"""Text as people type it and as the shop keeps and seeks it.

Search is by tokens that the application writes itself and finds with `LIKE`, so that SQLite and PostgreSQL find the same: every Chinese
character, every two that stand together, and Latin words and numbers in small letters, each between spaces.
"""

import re
import unicodedata
from itertools import pairwise

from shop.kit.pinyin import HAN

_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width signs and the ideographic space, as Chinese input methods write them, to ASCII (Unicode, Halfwidth and Fullwidth Forms)."""

_RUNS = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>[^\W_{HAN}]+)")
_TONES = re.compile("[\u0300-\u036f]")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST_SEARCH_TOKENS = 16
"""How much of what somebody typed is sought: enough for any name, too little to make the database sweat."""


def fold(text: str) -> str:
    """`text` with full-width digits, letters, signs and spaces as ordinary ones, without white space at either end: `　１２Ａ` → `12A`."""
    return text.translate(_FOLDED).strip()


def search_text(*texts: str) -> str:
    """What a thing is found by: all tokens of `texts`, each once, each between spaces; `search_patterns` are held against it."""
    tokens: dict[str, None] = {}
    for text in texts:
        for kind, run in _runs(text):
            tokens.update(dict.fromkeys(run if kind == "han" else [run]))
            if kind == "han":
                tokens.update(dict.fromkeys(first + second for first, second in pairwise(run)))
    return f" {' '.join(tokens)} " if tokens else ""


def search_tokens(query: str) -> tuple[str, ...]:
    """The tokens that must all be found: a lone Chinese character as it is, longer runs as their pairs, words in small letters."""
    tokens: dict[str, None] = {}
    for kind, run in _runs(query):
        is_pairs = kind == "han" and len(run) > 1
        tokens.update(dict.fromkeys(first + second for first, second in pairwise(run)) if is_pairs else {run: None})
    return tuple(tokens)[:MOST_SEARCH_TOKENS]


def search_patterns(query: str) -> tuple[str, ...]:
    """`LIKE` patterns, to be used with `escape='\\\\'`, that must all match a thing's `search_text`; none if nothing was asked.

    A Latin word matches words that begin with it (`peanut` finds `peanuts`); Chinese matches exactly.
    """
    return tuple(f"% {escape_like(token)}{'%' if token[0].isascii() else ' %'}" for token in search_tokens(query))


def is_slug(text: str) -> bool:
    """Whether `text` may stand in an address: small ASCII letters and digits in words with single hyphens between."""
    return _SLUG.fullmatch(text) is not None


def escape_like(text: str) -> str:
    """`text` as a literal inside a `LIKE` pattern whose escape character is the backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _runs(text: str) -> list[tuple[str, str]]:
    """Runs of Chinese characters and words of anything else that is a letter or a digit, in order, folded, small, without accents."""
    plain = text if text.isascii() else unicodedata.normalize("NFC", _TONES.sub("", unicodedata.normalize("NFD", text)))
    return [(found.lastgroup or "", found.group()) for found in _RUNS.finditer(fold(plain).casefold())]
