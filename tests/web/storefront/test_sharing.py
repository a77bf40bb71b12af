"""What other programs read: addresses in both languages, cards for chats, structured data, the list of pages."""

import json
import re
from xml.etree import ElementTree

from flask.testing import FlaskClient

from shop.catalog.photos import add_photo
from shop.kit.clock import utc_now
from shop.kit.pictures import draw
from tests.browser import Browser
from tests.factories import Pack, make_cooperative, make_lot, make_product
from tests.kit.test_pictures import picture

HOST = "http://127.0.0.1:8000"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def facts(html: str) -> list[dict[str, object]]:
    return [json.loads(found) for found in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]


def test_a_public_page_says_its_address_in_both_languages(client: FlaskClient) -> None:
    make_lot()
    page = Browser(client).open("/products/baishui-gongmi").html
    host = re.search(r'rel="canonical" href="(.*?)/products', page).group(1)  # type: ignore[union-attr]
    address = f"{host}/products/baishui-gongmi"
    assert f'<link rel="canonical" href="{address}">' in page
    for lang, href in (("zh-Hans", address), ("en", f"{address}?lang=en"), ("x-default", address)):
        assert f'<link rel="alternate" hreflang="{lang}" href="{href}">' in page
    assert f'<meta property="og:url" content="{address}">' in page
    assert f'<link rel="canonical" href="{address}?lang=en">' in Browser(client).open("/products/baishui-gongmi?lang=en").html


def test_an_address_with_its_language_chooses_it_and_can_be_left(client: FlaskClient) -> None:
    browser = Browser(client)
    assert 'lang="zh-Hans"' in browser.open("/villages/").html.partition("<head>")[0]
    assert 'lang="en"' in browser.open("/villages/?lang=en").html.partition("<head>")[0]
    assert 'lang="en"' in browser.open("/products/").html.partition("<head>")[0], "and the pages after it"
    back = browser.open("/language?to=zh&back=/villages/?lang=en%26x=1")
    assert (back.path, 'lang="zh-Hans"' in back.html) == ("/villages/?x=1", True)
    assert browser.open("/villages/?lang=fr").status == 200


def test_what_is_somebodys_own_or_not_there_says_nothing(client: FlaskClient) -> None:
    for path in ("/cart/", "/orders/find", "/account/sign-in", "/products/nothing"):
        page = Browser(client).open(path).html
        assert "canonical" not in page and "og:" not in page and "ld+json" not in page, path


def test_structured_data_says_what_the_page_says_and_cannot_end_early(client: FlaskClient) -> None:
    make_lot(make_product("米</script><b>&", slug="odd", packs=[Pack(68_05, 5_000, code="odd-5k"), Pack(36_00, 2_500, code="odd-2k")]))
    html = Browser(client).open("/products/odd").html
    product, crumbs = facts(html)
    assert product["name"] == "米</script><b>&"
    assert [(offer["sku"], offer["price"], offer["availability"]) for offer in product["offers"]] == [  # type: ignore[attr-defined]
        ("odd-5k", "68.05", "https://schema.org/InStock"),
        ("odd-2k", "36.00", "https://schema.org/OutOfStock"),
    ]
    assert [item["position"] for item in crumbs["itemListElement"]] == [1, 2, 3]  # type: ignore[attr-defined]
    assert [part["@type"] for part in facts(Browser(client).open("/").html)[0]["@graph"]] == ["Organization", "WebSite"]  # type: ignore[attr-defined]


def test_a_photograph_is_what_others_show_and_what_the_shop_shows(client: FlaskClient) -> None:
    product = make_product()
    make_lot(product)
    drawn = draw(picture())
    add_photo(product.id, drawn, alt="稻田", by=None, now=utc_now())
    html = Browser(client).open("/products/baishui-gongmi").html
    (image,) = facts(html)[0]["image"]  # type: ignore[misc]
    assert f"/pictures/{drawn.name}/" in image and f'<meta property="og:image" content="{image}">' in html
    assert f'<meta property="og:image:width" content="{drawn.width}">' in html
    strip = Browser(client).open("/").html
    assert f"/pictures/{drawn.name}/" in strip.partition('class="harvests"')[2].partition("</ul>")[0]
    assert f"/pictures/{drawn.name}/" in strip.partition('class="seen-list"')[2].partition("</ul>")[0]


def test_villages_and_cooperatives_say_who_they_are(client: FlaskClient) -> None:
    make_lot()
    for path, kind in (("/villages/baishui", "Place"), (f"/cooperatives/{make_cooperative().slug}", "Organization")):
        said, crumbs = facts(Browser(client).open(path).html)
        assert said["@type"] == kind and str(said["url"]).endswith(path) and crumbs["@type"] == "BreadcrumbList"


def test_the_list_of_pages_is_sound_and_every_one_opens(client: FlaskClient) -> None:
    make_lot()
    tree = ElementTree.fromstring(client.get("/sitemap.xml").data)
    places = [place.text or "" for place in tree.iter(f"{SITEMAP}loc")]
    assert len(places) == len(set(places)) and any(place.endswith("/products/baishui-gongmi?lang=en") for place in places)
    for place in places[::2]:
        path = "/" + place.partition("://")[2].partition("/")[2]
        assert Browser(client).open(path).status == 200, path
    robots = client.get("/robots.txt").text
    assert "Disallow: /orders/" in robots and "/sitemap.xml" in robots
