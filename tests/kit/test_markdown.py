"""Stories in Markdown: text comes out, and nothing else."""

from html.parser import HTMLParser

import pytest

from shop.kit.markdown import clean_html


def test_headings_lists_links_and_emphasis_are_drawn_under_the_pages_own_heading() -> None:
    html = clean_html("# 白水\n\n**稻子** 和 [网页](https://example.test)\n\n- 一\n- 二")
    assert html.startswith("<h3>白水</h3>") and "<strong>稻子</strong>" in html and "<li>一</li>" in html
    assert '<a href="https://example.test" rel="nofollow noopener">网页</a>' in html


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://example.test/x.png)",
        '<a href="https://x" onclick="y">x</a>',
        '[x](https://e.test "a\' onmouseover=alert(1)")',
    ],
)
def test_nothing_that_runs_or_asks_another_host_comes_through(bad: str) -> None:
    seen = _Seen()
    seen.feed(clean_html(bad))
    assert {tag for tag, _ in seen.tags} <= {"p", "a"}
    for _, given in seen.tags:
        assert given.keys() <= {"href", "rel", "title"} and (given.get("href") or "https:").startswith("https:")


class _Seen(HTMLParser):
    """The elements of a page, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
