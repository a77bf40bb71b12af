"""Staff bring an official list, see what is otherwise, apply it, and write mergers down."""

from io import BytesIO

from tests.browser import Browser
from tests.factories import make_villages
from tests.origin.test_official import LIST

INDEX = "/staff/villages/"


def test_a_list_is_looked_at_before_it_is_applied(office: Browser) -> None:
    make_villages("白水村", "高坝田村")
    office.open(INDEX)
    data = {"csrf_token": office.page.forms[-1].values("csrf_token")[0], "year": "2025"}
    for content, says in (("x", "整份都没有收"), (LIST, None)):
        answer = office.client.post(f"{INDEX}lists", data=data | {"file": (BytesIO(content.encode()), "2025.csv")})
        assert (answer.status_code == 303) if says is None else (answer.status_code == 422 and says in answer.text)
    page = office.open(answer.headers["Location"])
    assert "新村" in page.text and "名录里没有了" in page.text
    office.press(page.path, "改过来", {"with_missing": "y"})
    assert "这一份已经用了" in office.page.text and "新村" not in office.page.text
