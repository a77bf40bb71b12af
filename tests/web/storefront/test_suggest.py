"""Suggestions as the script asks for them."""

from flask.testing import FlaskClient

from tests.factories import make_lot, make_product


def test_it_says_words_where_they_lead_and_what_was_hit(client: FlaskClient) -> None:
    make_lot(make_product("白<b>水贡米", slug="gongmi"))
    answer = client.get("/suggest?q=gm", headers={"Accept-Language": "zh"})
    assert answer.json == [{"text": "白<b>水贡米", "note": "白水村", "href": "/products/gongmi", "hits": [[5, 7]]}]
    assert client.get("/suggest?q=").json == client.get("/suggest").json == client.get("/suggest?q=%25%00").json == []
