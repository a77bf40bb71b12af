"""A page reads as if every word had been looked up while it was drawn."""

import re
from pathlib import Path

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from flask_babel import Babel, force_locale
from jinja2 import DictLoader

from shop.web import kept
from shop.web.spoken import SpokenEnvironment, language
from tests.factories import Pack, make_lot, make_product, make_village

PAGES = {
    "page": """{% extends "frame" %}{% from "parts" import badge %}
{% block body %}<p title="{{ _('货架') }}">{{ _('%(count)s 件，满 100%% 免运费', count=count) }}</p>
{{ badge(_('只剩 5%%')) }} {{ ('%s' % _('货架'))|length }} {{ _('货架') + '<' }} {{ _('货架') ~ count }} {{ _(word) }}
{% set words = [_('货架'), pgettext('shelf', '货架')] %}{{ words|join(count) }}{% endblock %}""",
    "frame": "<b>{% block body %}{% endblock %}</b>{{ static_url('a.css') }}{% include 'part' %}",
    "part": "{{ _('货架') }}{{ _('货架') ~ '&' }}",
    "parts": "{% macro badge(text) %}<i>{{ text }}{{ _('货架') }}</i>{% endmacro %}",
    "letter.txt": "{{ _('%(count)s 件，满 100%% 免运费', count=count) }} {{ _('货架') }}",
}
CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "货架"
msgstr "Shelves & <b>more</b>"

msgctxt "shelf"
msgid "货架"
msgstr "Shelf"

msgid "%(count)s 件，满 100%% 免运费"
msgstr "%(count)s items, 100%% free"

msgid "只剩 5%%"
msgstr "5%% left"
"""


def make_app(folder: Path, environment: type) -> Flask:
    """A small app with templates in two languages."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415  # only here is a catalogue compiled
    from babel.messages.pofile import read_po  # noqa: PLC0415

    catalogue = folder / "en" / "LC_MESSAGES"
    catalogue.mkdir(parents=True, exist_ok=True)
    (catalogue / "messages.po").write_text(CATALOGUE, encoding="utf-8")
    with (catalogue / "messages.po").open("rb") as source, (catalogue / "messages.mo").open("wb") as target:
        write_mo(target, read_po(source))
    app = Flask(__name__)
    app.jinja_environment = environment
    app.jinja_env.loader = DictLoader(PAGES)
    app.select_jinja_autoescape = lambda name: not (name or "").endswith(".txt")  # type: ignore[method-assign]
    app.jinja_env.autoescape = app.select_jinja_autoescape
    Babel(app, default_translation_directories=str(folder), locale_selector=lambda: "zh")
    kept.register(app)
    app.jinja_env.globals["static_url"] = lambda path: f"/static/{path}?v=1&x=<"
    return app


@pytest.mark.parametrize("template", ["page", "letter.txt"])
@pytest.mark.parametrize("count", [3, "<b>"])
def test_a_template_reads_the_same_whether_its_words_were_put_in_or_looked_up(tmp_path: Path, template: str, count: object) -> None:
    put_in, looked_up = make_app(tmp_path, SpokenEnvironment), make_app(tmp_path, Flask.jinja_environment)
    for locale in ("zh", "en", "zh"):
        said = []
        for app in (put_in, looked_up):
            with app.test_request_context(), force_locale(locale):
                said.append(render_template(template, count=count, word="货架"))
        assert said[0] == said[1]
        assert ("Shelves" in said[0]) is (locale == "en")


def test_the_words_stand_in_the_compiled_template(tmp_path: Path) -> None:
    app = make_app(tmp_path, SpokenEnvironment)
    with app.test_request_context(), force_locale("en"):
        assert next(app.jinja_env.get_template("part").generate()) == "Shelves & <b>more</b>"
        looked_up: list[str] = []
        app.jinja_env.globals["_"] = lambda text: looked_up.append(text) or text
        render_template("page", count=3, word="不在目录里")
        assert looked_up == ["不在目录里", "货架"], "only what is not known beforehand, and what Jinja would join wrongly"


def test_the_language_of_the_moment_is_the_visitors_the_letters_or_nobodys(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert language() == "en"
        with force_locale("zh"):
            assert language() == "zh"
        assert language() == "en"


def test_outside_of_everything_there_is_no_language() -> None:
    assert language() == ""


@pytest.mark.parametrize(
    "path", ["/", "/products/", "/products/baishui-gongmi", "/villages/", "/cart/", "/account/sign-in", "/about/money"]
)
@pytest.mark.parametrize("locale", ["zh", "en"])
def test_real_pages_read_the_same_too(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, path: str, locale: str) -> None:
    rice = make_product(packs=[Pack(68_00, 5_000), Pack(29_90, 2_000)])
    make_lot(rice, units={rice.skus[0].id: 3, rice.skus[1].id: 20}, sources=[(make_village(), 70_000), (make_village("高坝田村"), 30_000)])
    put_in = client.get(path, headers={"Accept-Language": locale})
    monkeypatch.setattr(SpokenEnvironment, "_now", lambda environment: _looking_up(environment))
    looked_up = client.get(path, headers={"Accept-Language": locale})
    assert put_in.status_code == looked_up.status_code == 200
    assert _without_tokens(put_in.text) == _without_tokens(looked_up.text)
    assert (f'lang="{"en" if locale == "en" else "zh-Hans"}"') in put_in.text


def _looking_up(environment: SpokenEnvironment) -> SpokenEnvironment:
    """An environment like any other: `spoken` is set, so that it gives out templates itself, but nothing is put in."""
    other = environment.overlay()
    other.spoken = "none"
    monkey = super(SpokenEnvironment, other)._parse
    other._parse = monkey  # type: ignore[method-assign]
    return other


def _without_tokens(page: str) -> str:
    return re.sub(r'name="(csrf_token|once)"[^>]*value="[^"]*"', "", page)
