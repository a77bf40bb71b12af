"""Large letters are chosen without script, stay chosen on every page, and are given back."""

from flask.testing import FlaskClient

from tests.factories import make_user, sign_in


def test_large_letters_hold_everywhere_until_they_are_given_back(client: FlaskClient) -> None:
    assert "css/large.css" not in client.get("/").text
    answer = client.get("/reading?type=large&back=/products/")
    assert answer.headers["Location"] == "/products/"
    assert "Max-Age=31536000" in answer.headers["Set-Cookie"]
    for path in ("/", "/products/", "/cart/", "/account/sign-in", "/nothing/is/here"):
        assert "css/large.css" in client.get(path).text, path
    assert "css/large.css" not in client.get("/reading?type=standard", follow_redirects=True).text


def test_the_choice_outlives_signing_in_and_out(client: FlaskClient) -> None:
    client.get("/reading?type=large")
    sign_in(client, make_user("Mei"))
    assert "css/large.css" in client.get("/account/orders/").text
    with client.session_transaction() as kept:
        kept.clear()
    assert "css/large.css" in client.get("/").text
