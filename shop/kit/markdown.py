"""Stories written in Markdown, as HTML that holds nothing but text: headings, paragraphs, lists, links.

Law: what comes out is clean whatever went in: two libraries stand one behind the other, the first knows no raw HTML, the second (ammonia) lets through
only what is listed here. Pictures are left out: they would ask other hosts.
"""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("zero", {"html": False, "linkify": False, "breaks": True}).enable(
    ["emphasis", "heading", "list", "link", "blockquote", "newline", "escape", "hr"]
)
_TAGS = {"h3", "h4", "p", "br", "em", "strong", "ul", "ol", "li", "a", "blockquote", "hr"}
_ATTRIBUTES = {"a": {"href"}}
_DOWN = {"h1": "h3", "h2": "h3", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
"""A story stands under a heading of its page: its own begin at the third level."""


@lru_cache(maxsize=512)
def clean_html(text: str) -> str:
    """The Markdown as HTML that may stand in a page."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        token.tag = _DOWN.get(token.tag, token.tag)
    drawn = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(drawn, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"https", "http", "mailto"}, link_rel="nofollow noopener")
