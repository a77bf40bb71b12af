"""Where in a text the words stand that somebody sought: what is sought is found by tokens and by sound (`kit.text`, `kit.pinyin`), and marked so.

Pure.
"""

import re
from functools import lru_cache

from shop.kit.pinyin import HAN, heard_in, spellings
from shop.kit.text import search_text, search_tokens

Span = tuple[int, int]
"""From and to, as of a slice."""
_IS_HAN = re.compile(f"[{HAN}]")


@lru_cache(maxsize=4096)
def kept_of(*names: str) -> str:
    """What a thing with these names is found by."""
    return search_text(*names, *spellings(names[0]))


def is_found(kept: str, query: str) -> bool:
    """Whether every token of `query` is found in `kept`, as the database finds with `search_patterns`. Nothing sought finds nothing."""
    tokens = search_tokens(query)
    return bool(tokens) and all(f" {token}" in kept if token[0].isascii() else f" {token} " in kept for token in tokens)


def hits(text: str, query: str) -> tuple[Span, ...]:
    """The pieces of `text` that tokens of `query` stand for, in order, apart from one another."""
    found: list[Span] = []
    small = text.lower() if len(text.lower()) == len(text) else text
    for token in search_tokens(query):
        if _IS_HAN.match(token):
            found += [match.span() for match in re.finditer(re.escape(token), small)]
        else:
            words = [match.span() for match in re.finditer(rf"(?<![^\W_{HAN}]){re.escape(token)}", small)]
            heard = heard_in(text, token) if not words else None
            found += words or ([heard] if heard else [])
    return _apart(sorted(found))


def _apart(spans: list[Span]) -> tuple[Span, ...]:
    """Those that touch or overlap are one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
