"""What is kept ready is what Flask and Flask-Babel would have answered."""

import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string, url_for
from flask_babel import Babel, force_locale
from jinja2 import DictLoader

from config import ROOT
from shop.web import kept

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "货架"
msgstr "Shelves"

msgid "%(count)s 件，满 100%% 免运费"
msgstr "%(count)s items, 100%% free"

msgid "只剩 5%%"
msgstr "5%% left"
"""


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    from babel.messages.mofile import write_mo  # noqa: PLC0415  # only this fixture compiles a catalogue
    from babel.messages.pofile import read_po  # noqa: PLC0415

    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(CATALOGUE, encoding="utf-8")
    with (folder / "messages.po").open("rb") as source, (folder / "messages.mo").open("wb") as target:
        write_mo(target, read_po(source))
    app = Flask(__name__)
    Babel(app, default_translation_directories=str(tmp_path), locale_selector=lambda: "zh")
    app.add_url_rule("/products/<slug>", endpoint="products", view_func=lambda slug: slug)
    kept.register(app)
    return app


def test_words_follow_the_language_of_the_moment(app: Flask) -> None:
    page = "{{ _('货架') }} {{ _('只剩 5%%') }}"
    with app.test_request_context():
        for _ in range(2):
            assert render_template_string(page) == "货架 只剩 5%"
            with force_locale("en"):
                assert render_template_string(page) == "Shelves 5% left"


def test_gaps_are_filled_and_what_fills_them_is_escaped(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        page = "{{ _('%(count)s 件，满 100%% 免运费', count=count) }}"
        assert render_template_string(page, count=3) == "3 items, 100% free"
        assert render_template_string(page, count="<b>") == "&lt;b&gt; items, 100% free"
        assert app.jinja_env.overlay(autoescape=False).from_string(page).render(count="<b>") == "<b> items, 100% free"


def test_a_sentence_in_markup_stays_markup(app: Flask) -> None:
    with app.test_request_context():
        assert (
            render_template_string("{% set code %}<b>{{ '&' }}</b>{% endset %}{{ _('批次 %(code)s', code=code) }}") == "批次 <b>&amp;</b>"
        )


def test_addresses_are_those_of_flask(app: Flask) -> None:
    page = "{{ url_for('products', slug='a b', page=2, q=none) }}"
    with app.test_request_context():
        assert [render_template_string(page) for _ in range(2)] == [url_for("products", slug="a b", page=2)] * 2
    with app.test_request_context(environ_overrides={"SCRIPT_NAME": "/county"}):
        assert render_template_string(page) == "/county/products/a%20b?page=2"


def test_addresses_that_cannot_be_kept_are_still_answered(app: Flask) -> None:
    with app.test_request_context():
        assert render_template_string("{{ url_for('products', slug='a', village=['x', 'y']) }}") == "/products/a?village=x&amp;village=y"
        assert render_template_string("{{ url_for('products', slug='a', _external=true) }}") == "http://localhost/products/a"
    with app.app_context():
        app.config["SERVER_NAME"] = "shop.test"
    with app.app_context():
        assert render_template_string("{{ url_for('products', slug='a') }}") == "http://shop.test/products/a"


def test_the_store_of_addresses_does_not_grow_without_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_ADDRESSES", 3)
    with app.test_request_context():
        page = "{% for n in range(10) %}{{ url_for('products', slug=n) }} {% endfor %}"
        assert render_template_string(page).split() == [f"/products/{n}" for n in range(10)]


def test_a_kept_part_is_drawn_once_per_key_and_anew_while_debugging(app: Flask) -> None:
    drawn: list[str] = []
    page = "{% call keep('footer', lang) %}<b>{{ draw(lang) or lang }}</b>{% endcall %}"
    with app.test_request_context():
        for lang in ("zh", "en", "zh"):
            assert render_template_string(page, lang=lang, draw=drawn.append) == f"<b>{lang}</b>"
        assert drawn == ["zh", "en"]
        app.debug = True
        render_template_string(page, lang="zh", draw=drawn.append)
        assert drawn == ["zh", "en", "zh"]


def test_a_section_is_drawn_once_for_the_same_values_and_anew_for_others(app: Flask) -> None:
    asked: list[object] = []
    app.add_template_filter(lambda value: asked.append(value) or value, "asked")
    app.jinja_loader = DictLoader(
        {"sections.html": "{% macro stock(left, pack) %}<b>{{ left|asked }} {{ pack }} {{ _('货架') }}</b>{% endmacro %}"}
    )
    page = "{% from 'sections.html' import stock %}{{ drawn(stock, left, pack) }}"

    def draw(left: object, pack: str = "&") -> str:
        return render_template_string(page, left=left, pack=pack)

    with app.test_request_context():
        assert [draw(7), draw(8), draw(7)] == ["<b>7 &amp; 货架</b>", "<b>8 &amp; 货架</b>", "<b>7 &amp; 货架</b>"]
        assert asked == [7, 8]
        assert draw(True) == "<b>True &amp; 货架</b>", "1 is not True on a page"
        with force_locale("en"):
            assert draw(7) == "<b>7 &amp; Shelves</b>"
        asked.clear()
        app.debug = True
        draw(7)
        assert asked == [7]


OWN = re.compile(r"\b(request|session|g|csrf_token|csrf|signed_in|basket_units|is_large|claim_focus|get_flashed_messages)\b(?!=)")
"""What a template may ask for and is not the same for everybody."""


def test_what_is_drawn_for_everybody_asks_for_nothing_of_somebodys_own() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html")}
    names = {name for text in sources.values() for name in re.findall(r"\bdrawn\((\w+),", text)}
    macros = [
        (name, body)
        for text in sources.values()
        for name, body in re.findall(r"{% macro (\w+)\(.*?%}(.*?){%-? endmacro", text, re.DOTALL)
        if name in names
    ]
    assert {name for name, _body in macros} == names
    assert not [(name, found) for name, body in macros for found in OWN.findall(re.sub(r"'[^']*'|^.*#}", "", body))]
