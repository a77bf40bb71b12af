"""The pieces of every page: what they show, what a reader without eyes or script gets, and that nothing they name is missing."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace as Row

import pytest
from flask import Flask
from flask_babel import Babel
from flask_wtf import CSRFProtect, FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from config import ROOT
from shop.web import filters, photos

TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"

Draw = Callable[..., str]


@pytest.fixture
def bare() -> Flask:
    """The templates and filters of the shop with nothing behind them."""
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
    app.config.update(SECRET_KEY="parts", WTF_CSRF_TIME_LIMIT=None)
    Babel(app, locale_selector=lambda: "zh")
    CSRFProtect(app)
    filters.register(app)
    photos.register(app)
    app.jinja_env.globals["static_url"] = lambda path: f"/static/{path}"
    app.jinja_env.globals["approved_map"] = None
    app.add_url_rule("/products/", endpoint="storefront.products.index", view_func=str)
    return app


@pytest.fixture
def draw(bare: Flask) -> Draw:
    """Draw one macro: `draw("catalog", "price(6800)")`."""

    def drawn(file: str, call: str, **given: object) -> str:
        name = call.partition("(")[0]
        with bare.test_request_context():
            return bare.jinja_env.from_string(f'{{% from "parts/{file}.html" import {name} %}}{{{{ {call} }}}}').render(**given)

    return drawn


def test_a_card_is_one_link_with_price_and_village(draw: Draw) -> None:
    card = draw(
        "catalog", "product_card('/products/a', '白水贡米<', '5 kg 编织袋', 6800, '¥6.80/500 g', '白水村', '滑石乡', 'rice_sheaf', 'grain')"
    )
    assert card.count("<a ") == 1
    assert '<a href="/products/a">白水贡米&lt;</a>' in card
    assert "68.00" in card and "¥6.80/500 g" in card and "白水村" in card and "滑石乡" in card
    assert 'loading="lazy"' in card and "stock-word" not in card


def test_a_product_without_a_picture_shows_its_character(draw: Draw) -> None:
    picture = draw("catalog", "picture('', 'wood', '菌')")
    assert "<img" not in picture and ">菌<" in picture and 'lang="zh-Hans"' in picture


def test_what_is_gone_says_so_on_its_card(draw: Draw) -> None:
    card = draw("catalog", "product_card('/a', '蓝莓', '125 g', 4900, '', '六龙山村', stock='售罄', stock_state='gone', character='莓')")
    assert "product-card is-gone" in card and '<span class="stock-word is-gone">售罄</span>' in card


def test_the_parts_of_a_share_bar_fill_it_and_name_their_sum(draw: Draw) -> None:
    rows = [
        Row(name="白水村", part=700, figure="¥47.60", note="700 kg", href=""),
        Row(name="高坝田村", part=300, figure="¥20.40", note="", href="/villages/g"),
        Row(name="木弄村", part=0, figure="¥0.00", note="", href=""),
    ]
    shares = draw("origin", "shares(rows, '白水村 70%，高坝田村 30%', '¥68.00')", rows=rows)
    assert re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', shares) == [("0", "70"), ("70", "30")]
    assert 'aria-label="白水村 70%，高坝田村 30%"' in shares and "¥68.00" in shares
    assert shares.count("swatch is-none") == 1 and "fill-planned" not in shares


def test_a_rule_is_hatched_and_never_in_full_colour(draw: Draw) -> None:
    rows = [Row(name="农户", part=60, figure="待算", note="", href=""), Row(name="村集体", part=40, figure="待算", note="", href="")]
    shares = draw("origin", "shares(rows, '规则', is_planned=true)", rows=rows)
    assert shares.count("fill-planned") == 2 and "fill-pine" not in shares
    assert 'id="planned"' in draw("icons", "hatch()")


def test_the_map_is_of_points_and_puts_places_without_coordinates_beneath(draw: Draw) -> None:
    places = [
        Row(name="坝黄镇", value=400, east_km=-16.4, north_km=0.1, is_here=True),
        Row(name="滑石乡", value=100, east_km=None, north_km=None, is_here=False),
        Row(name="和平乡", value=-5, east_km=None, north_km=None, is_here=False),
    ]
    drawing = draw("origin", "points(places, '示意图', '碧江城区')", places=places)
    assert drawing.count("is-loose") == 2 and drawing.count('class="is-here"') == 1
    assert '<circle class="map-sum" cx="61.0" cy="141.1" r="34.0"/>' in drawing
    assert "示意图" in drawing


def test_the_way_of_the_money_shows_every_village_and_what_went_back(draw: Draw) -> None:
    village = Row(name="白水村", href="", share="70%", booked_fen=4667, back_fen=-4667)
    other = Row(name="高坝田村", href="/villages/g", share="30%", booked_fen=2000, back_fen=-2000)
    lot_b = Row(code="BS2610B", href="/lots/BS2610B", units="1 袋", booked_fen=6667, back_fen=-6667, word="已退", villages=[village, other])
    whole = Row(name="白水村", href="", share="100%", booked_fen=13333, back_fen=0)
    lot_a = Row(code="BS2610A", href="", units="2 袋", booked_fen=13333, back_fen=0, word="", villages=[whole])
    line = Row(title="白水贡米 5 kg × 3", sum="¥204.00 − ¥4.00 = ¥200.00", booked_fen=20000, back_fen=-6667, lots=[lot_a, lot_b])
    way = draw("orders", "money_way([line])", line=line)
    assert [figure for figure in re.findall(r"−?[\d,]+\.\d\d(?=</)", way) if figure.startswith("−")] == [
        "−66.67",
        "−46.67",
        "−20.00",
        "−66.67",
    ]
    assert "<tfoot>" in way and "133.33" in way
    assert '批次 <a class="code" href="/lots/BS2610B">BS2610B</a>，<span class="keep">1 袋</span>' in way


def test_a_trail_reads_moments_and_days(draw: Draw) -> None:
    rows = [Row(at=datetime(2026, 11, 18, 1, 14, tzinfo=UTC), text="已付款", code="EM 1"), Row(at=date(2026, 10, 9), text="收割", code="")]
    trail = draw("orders", "trail(rows)", rows=rows)
    assert '<time datetime="2026-11-18T09:14+08:00">11-18 09:14</time>' in trail
    assert '<time datetime="2026-10-09">10\xa0月\xa09\xa0日</time>' in trail


def test_steps_say_which_are_done_and_which_is_now(draw: Draw) -> None:
    steps = draw("orders", "checkout_steps(2)")
    assert steps.count('class="is-done"') == 1 and steps.count('aria-current="step"') == 1
    assert "已完成" in steps


# Forms ----------------------------------------------------------------------------------------------------------------


class Delivery(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """As a checkout asks for it."""

    person = StringField("收货人", [InputRequired("写上收货人的名字。")])
    phone = StringField("手机号", [Length(11, 11, "手机号是 11 位。")])
    pay = RadioField(
        "怎么付", [InputRequired("选一种付法。")], choices=[SelectChoice("stripe", "网上付"), SelectChoice("transfer", "对公转账")]
    )
    opened = BooleanField("我知道", [InputRequired("请确认。")])


def draw_form(bare: Flask, template: str, **typed: str) -> str:
    """The template with a form that came back with what was typed."""
    with bare.test_request_context(method="POST"):
        form = Delivery(MultiDict(typed), meta={"csrf": False})
        form.validate()
        return bare.jinja_env.from_string(
            '{% from "parts/forms.html" import field, choices, check, errors_summary, csrf, quantity %}' + template
        ).render(form=form)


def test_a_wrong_field_says_so_beside_itself_and_keeps_what_was_typed(bare: Flask) -> None:
    field = draw_form(bare, "{{ field(form.phone, hint='送货时要打。', autocomplete='tel') }}", phone="138 0013")
    assert 'value="138 0013"' in field and 'autocomplete="tel"' in field
    assert 'aria-invalid="true"' in field and 'aria-describedby="phone-error phone-hint"' in field
    assert 'id="phone-error"' in field and 'id="phone-hint"' in field and "手机号是 11 位。" in field


def test_a_right_field_is_not_called_wrong(bare: Flask) -> None:
    field = draw_form(bare, "{{ field(form.phone) }}", phone="13800002207")
    assert "aria-invalid" not in field and "aria-describedby" not in field and "field-error" not in field


def test_the_first_wrong_field_alone_takes_the_focus(bare: Flask) -> None:
    form = draw_form(bare, "{{ field(form.person) }}{{ field(form.phone) }}{{ choices(form.pay) }}{{ check(form.opened) }}")
    assert form.count("autofocus") == 1
    assert re.search(r'<input[^>]*autofocus[^>]*id="person"', form)
    assert form.count('class="field-error"') == 4


def test_the_summary_leads_to_every_wrong_field(bare: Flask) -> None:
    summary = draw_form(bare, "{{ errors_summary(form) }}", phone="1")
    assert re.findall(r'href="#([\w-]+)"', summary) == ["person", "phone", "pay", "opened"]
    assert 'role="alert"' in summary
    assert draw_form(bare, "{{ errors_summary(form) }}", person="梅", phone="13800002207", pay="stripe", opened="y") == ""


def test_choices_are_cards_with_their_second_line(bare: Flask) -> None:
    choices = draw_form(bare, "{{ choices(form.pay, {'stripe': '支付宝、微信、银行卡'}) }}", pay="transfer")
    assert choices.count('class="choice"') == 2 and "支付宝、微信、银行卡" in choices
    assert re.search(r'<input[^>]*checked[^>]*value="transfer"', choices)


def test_enter_in_a_quantity_is_never_one_less(draw: Draw) -> None:
    quantity = draw("forms", "quantity('n', '数量', 3)")
    assert re.findall(r'name="step" value="(-?\d)"', quantity) == ["0", "-1", "1"]
    assert "disabled" in draw("forms", "quantity('n', '数量', 1)")
    assert "step" not in draw("forms", "quantity('n', '数量', 1, has_steps=false)")


def test_a_pager_leaves_out_the_middle_and_says_where_one_is(draw: Draw) -> None:
    pager = draw("page", "pager(6, 12, 'storefront.products.index', {'q': '米'})")
    assert re.findall(r">(\d+|…)<", pager) == ["1", "…", "5", "6", "7", "…", "12"]
    assert re.search(r'page=6" aria-current="page"', pager) and 'rel="prev"' in pager and "q=%E7%B1%B3" in pager
    assert draw("page", "pager(1, 1, 'storefront.products.index')") == ""


def test_a_change_never_speaks_by_colour_alone(draw: Draw) -> None:
    assert "▲ 12.6%" in draw("page", "change(1126, 1000)")
    assert "▼ 12.6%" in draw("page", "change(874, 1000)")
    assert "—" in draw("page", "change(5, 0)")


# Charts ---------------------------------------------------------------------------------------------------------------


def test_bars_are_drawn_to_one_scale_and_stay_in_the_drawing(draw: Draw) -> None:
    rows = [Row(name="白水村", value=20000, was=10000), Row(name="坪茶村", value=-5000, was=None), Row(name="兴龙社区", value=0, was=0)]
    bars = draw("charts", "bars(rows, 'b', '各村净额')", rows=rows)
    assert re.findall(r'<rect class="fill-(\w+)" x="80" y="\d+" width="([\d.]+)"', bars) == [
        ("pine", "222.0"),
        ("persimmon", "55.5"),
        ("edge", "1"),
    ]
    assert 'width="111.0" height="2.5"' in bars and ">−50<" in bars and '<title id="b">各村净额</title>' in bars


@pytest.mark.parametrize("count", [0, 1, 2, 31])
def test_a_trend_of_any_length_can_be_drawn(draw: Draw, count: int) -> None:
    rows = [Row(name=str(day), value=day * 100, was=None if day % 2 else 50) for day in range(count)]
    trend = draw("charts", "trend(rows, 't', '每日净额')", rows=rows)
    assert trend.count("<polyline") in (1, 2) and "nan" not in trend
    assert draw("charts", "spark(values)", values=[row.value for row in rows]).count("<polyline") == 1


def test_months_are_drawn_for_wide_and_narrow_screens(draw: Draw) -> None:
    rows = [Row(name="9 月", value=100, is_open=False), Row(name="10 月", value=0, is_open=True)]
    assert draw("charts", "columns(rows, 'm', '各月')", rows=rows).count("<svg") == 2
    assert draw("charts", "columns([], 'm', '各月')").count("<svg") == 2


# The house of pieces --------------------------------------------------------------------------------------------------

ALL_TEMPLATES = sorted(TEMPLATES.rglob("*.html"))


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'id="i-([\w-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
    for path in ALL_TEMPLATES:
        source = path.read_text(encoding="utf-8")
        named = set(re.findall(r"\bicon\('([\w-]+)'\)", source)) | set(re.findall(r"#i-([\w-]+)\"", source))
        assert named <= sprite, f"{path.relative_to(ROOT)}: {sorted(named - sprite)}"


def test_every_file_that_a_template_names_is_there() -> None:
    for path in ALL_TEMPLATES:
        for name in re.findall(r"static_url\('([^']+)'\)", path.read_text(encoding="utf-8")):
            assert (STATIC / name).is_file(), f"{path.relative_to(ROOT)}: {name}"


def test_nothing_stands_inline_that_the_policy_would_refuse() -> None:
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)(?! type=.application/ld\+json.>)|\son[a-z]+=|javascript:")
    for path in ALL_TEMPLATES:
        if "messages" not in path.relative_to(TEMPLATES).parts:  # a letter has no sheet but its own
            assert not inline.search(path.read_text(encoding="utf-8")), path.relative_to(ROOT)


def test_every_class_of_a_part_has_its_rule() -> None:
    sheets = "".join(path.read_text(encoding="utf-8") for path in (STATIC / "css").glob("*.css"))
    known = set(re.findall(r"\.([a-z][\w-]*)", sheets))
    for path in sorted((TEMPLATES / "parts").glob("*.html")):
        source = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for attribute in re.findall(r'class="([^"{}]*)"', source):
            missing = set(attribute.split()) - known - {"list"}
            assert not missing, f"{path.name}: {sorted(missing)}"


def test_dark_values_stand_twice_and_are_the_same() -> None:
    tokens = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    by_system, by_hand = (
        re.findall(r"--[\w-]+: [^;]+;", tokens.partition(selector + " {")[2].partition("}")[0])
        for selector in (':root:not([data-scheme="light"])', ':root[data-scheme="dark"]')
    )
    assert by_system == by_hand
    assert len(by_system) > 25
