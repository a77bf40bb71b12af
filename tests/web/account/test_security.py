"""How somebody gets in: second step, devices, changes with the password once more, a forgotten password, invites."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from shop.accounts import codes, invites, own, people, two_factor
from shop.accounts.errors import LastAdmin, LinkSpent, NotOneself, WrongCode
from shop.accounts.models import Invite, RecoveryCode, SignIn, TwoFactor, User, UserRole
from shop.accounts.new_emails import confirm_path, find_new_email
from shop.accounts.roles import Role
from shop.accounts.sign_ups import find_sign_up
from shop.acts.accept_invite import accept_invite
from shop.extensions import act, db, reading
from shop.kit.clock import utc_now
from shop.kit.ids import SignUpId
from shop.messages.sending import send_letters
from shop.outbox.models import AuditRow, Letter
from shop.web.current import load_signed_in
from tests.browser import Browser
from tests.factories import PASSWORD, TWO_STEPS_SECRET, Person, make_cooperative, make_mei, make_user, sign_in

SIGN_IN = "/account/sign-in"
NEW = "另一句自己记得住的密码"


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """Nobody's yet."""
    return Browser(client)


@pytest.fixture
def outbox(app: Flask) -> Iterator[Path]:
    """Where letters are written."""
    folder: Path = app.config["SHOP"].instance_path / "outbox"
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    yield folder


def give_password(browser: Browser, person: Person, password: str = PASSWORD) -> None:
    browser.open(SIGN_IN)
    browser.press(SIGN_IN, "登录", {"who": person.email, "password": password})


def links_in(app: Flask, outbox: Path) -> list[str]:
    """The links that letters lead to."""
    send_letters(app.config["SHOP"], now=utc_now())
    found = []
    for path in sorted(outbox.glob("*.eml")):
        text = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]
        found += re.findall(rf"{re.escape(app.config['SHOP'].public_url)}(\S+)", str(text.get_content()))
    return found


# ── The second step ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_two_steps_is_in_only_after_both(browser: Browser) -> None:
    give_password(browser, make_user("Finance", roles=[Role.FINANCE]))
    assert browser.page.path == "/account/sign-in/code"
    assert browser.open("/staff/").path.startswith(SIGN_IN), "the password alone opens nothing"
    browser.open("/account/sign-in/code")
    browser.press("/account/sign-in/code", "登录", {"code": codes.code_at(TWO_STEPS_SECRET, utc_now() - timedelta(hours=1))})
    assert browser.page.status == 422
    browser.press("/account/sign-in/code", "登录", {"code": codes.code_at(TWO_STEPS_SECRET, utc_now())})
    assert browser.page.path == "/staff/"


def test_a_code_is_taken_once_and_a_clock_may_be_one_step_wrong(app: Flask) -> None:
    person, now, secret = make_user("Finance", roles=[Role.FINANCE]), utc_now(), str(app.config["SECRET_KEY"])
    step = timedelta(seconds=codes.STEP_SECONDS)

    def give(at_steps: int) -> None:
        two_factor.check_code(person.id, codes.code_at(TWO_STEPS_SECRET, now + at_steps * step), shop_secret=secret, now=now)

    give(-1)
    give(1)
    for late in (1, 0, 2, -2):  # twice, older than one that was taken, too far ahead, too old
        with pytest.raises(WrongCode):
            give(late)


def test_five_wrong_codes_close_the_second_step_for_a_while(app: Flask) -> None:
    person, now, secret = make_user("Finance", roles=[Role.FINANCE]), utc_now(), str(app.config["SECRET_KEY"])
    for _ in range(two_factor.MOST_FAILURES):
        with pytest.raises(WrongCode) as wrong:
            two_factor.check_code(person.id, "nonsense", shop_secret=secret, now=now)
    assert wrong.value.locked_until == now + two_factor.LOCKED_FOR
    with pytest.raises(WrongCode):
        two_factor.check_code(person.id, codes.code_at(TWO_STEPS_SECRET, now), shop_secret=secret, now=now)
    later = now + two_factor.LOCKED_FOR
    two_factor.check_code(person.id, codes.code_at(TWO_STEPS_SECRET, later), shop_secret=secret, now=later)


def test_finance_reaches_its_pages_only_once_two_steps_are_set_up(app: Flask, client: FlaskClient, browser: Browser) -> None:
    person = make_user("Finance", roles=[Role.FINANCE], has_two_steps=False)
    sign_in(client, person)
    assert browser.open("/staff/settlements/").path == "/account/two-steps/"
    assert browser.press("/account/two-steps/begin", "开始", {"password": "not it at all"}).status == 422
    browser.press("/account/two-steps/begin", "开始", {"password": PASSWORD})
    assert "data:image/svg+xml" in browser.page.html
    with reading():
        enrolment = two_factor.find_enrolment(person.id, shop_secret=str(app.config["SECRET_KEY"]))
        kept = db.session.scalars(select(TwoFactor.sealed_secret)).one()
    assert enrolment is not None and enrolment.secret not in kept, "at rest it is sealed"
    page = browser.press("/account/two-steps/confirm", "开", {"code": codes.code_at(enrolment.secret, utc_now())})
    drawn = re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", page.text)
    assert len(drawn) == codes.RECOVERY_CODES
    assert load_key_is_dead(app, person), "the device goes on under a new key"
    assert browser.open("/staff/settlements/").status == 200
    with reading() as session:
        kept_codes = session.scalars(select(RecoveryCode.code_hash)).all()
    assert not set(drawn) & set(kept_codes)
    two_factor.check_code(person.id, drawn[0].upper(), shop_secret=str(app.config["SECRET_KEY"]), now=utc_now())
    with pytest.raises(WrongCode):
        two_factor.check_code(person.id, drawn[0], shop_secret=str(app.config["SECRET_KEY"]), now=utc_now())


def load_key_is_dead(app: Flask, person: Person) -> bool:
    with app.test_request_context():
        return load_signed_in(person.session_id) is None


def test_demo_accounts_are_spared_the_second_step_and_refused_in_production(app: Flask) -> None:
    person = make_user("Admin", roles=[Role.ADMIN], is_demo=True)
    with app.test_request_context():
        seen = load_signed_in(person.session_id)
        assert seen is not None and not seen.withheld
    config = app.config["SHOP"]
    app.config["SHOP"] = replace(config, is_demo=False)
    try:
        with app.test_request_context():
            assert load_signed_in(person.session_id) is None
        assert Browser(app.test_client()).open("/staff/").path.startswith(SIGN_IN)
    finally:
        app.config["SHOP"] = config


# ── Devices and changes ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_device_that_is_signed_out_is_out_at_once_and_only_by_its_owner(app: Flask, client: FlaskClient, browser: Browser) -> None:
    mei, stranger = make_mei(), make_user("Stranger")
    sign_in(client, mei)
    elsewhere = Browser(app.test_client())
    give_password(elsewhere, mei)
    assert "这一台" in browser.open("/account/security/").text
    with reading() as session:
        other = session.scalars(select(SignIn.id).where(SignIn.user_id == mei.id).order_by(SignIn.id.desc())).first()
    thief = Browser(sign_in(app.test_client(), stranger))
    thief.open("/account/security/")
    assert thief.send(f"/account/security/devices/{other}/end", {}).status == 404
    browser.press(f"/account/security/devices/{other}/end")
    assert elsewhere.open("/account/orders/").path.startswith(SIGN_IN)
    assert browser.open("/account/orders/").status == 200


def test_a_new_password_asks_for_the_old_one_and_signs_every_other_device_out(app: Flask, client: FlaskClient, browser: Browser) -> None:
    mei = make_mei()
    sign_in(client, mei)
    elsewhere = Browser(app.test_client())
    give_password(elsewhere, mei)
    browser.open("/account/security/password")
    assert browser.press("/account/security/password", "换", {"password": "not the one", "new": NEW}).status == 422
    assert browser.press("/account/security/password", "换", {"password": PASSWORD, "new": "short"}).status == 422
    assert browser.press("/account/security/password", "换", {"password": PASSWORD, "new": NEW}).path == "/account/security/"
    assert elsewhere.open("/account/orders/").path.startswith(SIGN_IN)
    assert browser.open("/account/orders/").status == 200
    with reading() as session:
        assert session.scalars(select(Letter.kind)).all() == ["account_changed"]


def test_address_and_number_are_changed_with_the_password_and_the_old_address_is_told(client: FlaskClient, browser: Browser) -> None:
    mei, other = make_mei(), make_user("Other")
    sign_in(client, mei)
    browser.open("/account/security/email")
    page = browser.press("/account/security/email", "改", {"word": "not one", "password": PASSWORD})
    assert page.status == 422 and "不像邮箱" in page.text
    answers = []
    for word in (other.email, "new@example.test"):
        browser.open("/account/security/email")
        answers.append(browser.press("/account/security/email", "改", {"word": word, "password": PASSWORD}).text.replace(word, ""))
    assert answers[0] == answers[1] and "信寄到新邮箱了" in answers[0], "nobody learns who has an address"
    with reading() as session:
        assert session.scalars(select(User.email).where(User.id == mei.id)).one() == mei.email, "not before the link"
        waits = find_new_email(mei.id, now=utc_now())
    assert waits is not None and waits[0] == "new@example.test"
    secret = str(client.application.config["SECRET_KEY"])
    link = confirm_path(waits[1], secret)
    assert Browser(sign_in(client.application.test_client(), other)).open(link).status == 404, "only whoever asked"
    assert "new@example.test" in browser.open(link).text
    browser.press("/account/security/email/confirm", "就用它")
    assert browser.open(link).status == 404
    browser.open("/account/security/phone")
    browser.press("/account/security/phone", "改", {"word": "", "password": PASSWORD})
    browser.open("/account/security/email")
    assert "要留一个" in browser.press("/account/security/email", "改", {"word": "", "password": PASSWORD}).text
    with reading() as session:
        assert session.execute(select(User.email, User.phone).where(User.id == mei.id)).one() == ("new@example.test", None)
        told = session.scalars(select(Letter.to_email).where(Letter.kind == "account_changed").order_by(Letter.id)).first()
        assert told == mei.email


# ── A forgotten password ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forgotten_password_is_set_anew_by_a_link_that_works_once(app: Flask, browser: Browser, outbox: Path) -> None:
    mei = make_mei()
    said = []
    for who in (mei.email, "nobody@example.test"):
        browser.open("/account/forgotten")
        said.append(browser.press("/account/forgotten", "把", {"who": who}).text)
    assert said[0] == said[1]
    (link,) = links_in(app, outbox)
    with reading() as session:
        assert "key" not in str(session.scalars(select(Letter.facts)).all())
        assert session.scalars(select(Letter.to_email).order_by(Letter.id)).all() == [mei.email, None], "a stranger's address is not kept"
    assert browser.open(link).status == browser.open(link).status == 200
    assert browser.open(link.replace("key=", "key=0")).status == 404
    browser.open(link)
    assert browser.press("/account/reset/", "用", {"new": NEW}).path == SIGN_IN
    assert load_key_is_dead(app, mei)
    assert browser.open(link).status == 404
    give_password(browser, mei, NEW)
    assert browser.page.path == "/account/orders/"


def test_such_a_link_grows_old_and_one_letter_goes_in_ten_minutes(app: Flask) -> None:
    mei, now, secret = make_mei(), utc_now(), str(app.config["SECRET_KEY"])
    for _ in range(2):
        own.ask_for_reset(email=mei.email, phone=None, shop_secret=secret, locale="zh", now=now)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter)) == 1
        path = own.reset_address(email=mei.email, phone=None, at=int(now.timestamp()), shop_secret=secret, allow_demo=True)
    key = str(path).partition("key=")[2]
    with pytest.raises(LinkSpent):
        own.check_reset(mei.id, int(now.timestamp()), key, shop_secret=secret, now=now + timedelta(minutes=61))
    with pytest.raises(LinkSpent):
        own.check_reset(mei.id, int(now.timestamp()) + 60, key, shop_secret=secret, now=now + timedelta(minutes=2))


# ── Invites and people ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invite_is_taken_up_once_and_gives_its_roles(app: Flask, client: FlaskClient, browser: Browser) -> None:
    admin = make_user("Admin", roles=[Role.ADMIN])
    sign_in(client, admin)
    browser.open("/staff/people/")
    assert browser.press("/staff/people/invites", "做", {"note": "新会计"}).status == 422
    page = browser.press("/staff/people/invites", "做", {"note": "新会计", "roles": "operations"})
    link = re.findall(r'value="[^"]*?(/account/invites/[^"]+)"', page.html)[0]
    newcomer = Browser(app.test_client())
    assert newcomer.open(link).status == 200
    assert newcomer.open(link.replace("key=", "key=0")).status == 404
    newcomer.open("/account/sign-up?next=" + link.replace("?", "%3F"))
    newcomer.press("/account/sign-up", "注册", {"who": "13800132299", "password": NEW, "agree": "y"})
    with reading():
        waits = find_sign_up(SignUpId(1), now=utc_now())
    newcomer.open(waits.path(str(app.config["SECRET_KEY"])) if waits else "")
    newcomer.press("/account/sign-up", "打开账户", {"password": NEW})
    assert newcomer.page.path == link
    newcomer.press("/account/invites/", "用这个账户加入")
    assert newcomer.page.path == "/staff/"
    assert Browser(app.test_client()).open(link).status == 404
    with reading() as session:
        rows = session.execute(select(AuditRow.action, AuditRow.by_user_id).order_by(AuditRow.id)).all()
    assert [row.action for row in rows] == ["invite.made", "invite.accepted", "person.roles_set"]
    assert rows[2].by_user_id == admin.id


def test_an_invite_that_is_withdrawn_old_or_of_somebody_who_left_opens_nothing(app: Flask) -> None:
    admin, boss = (make_user(name, roles=[Role.ADMIN]) for name in ("Admin", "Boss"))
    mei, now, secret = make_mei(), utc_now(), str(app.config["SECRET_KEY"])

    def make() -> tuple[invites.InviteId, str]:
        made = invites.invite(invites.STAFF, {"roles": ["admin"]}, note="x", by=admin.id, now=now)
        with reading():
            found = invites.find_open_invite(made, now=now)
        assert found is not None
        return made, found.path(secret).partition("key=")[2]

    withdrawn, old, left = make(), make(), make()
    invites.withdraw(withdrawn[0], kind=invites.STAFF, by=admin.id, now=now)
    with pytest.raises(LinkSpent):
        accept_invite(*withdrawn, shop_secret=secret, by=mei.id, now=now)
    with pytest.raises(LinkSpent):
        accept_invite(*old, shop_secret=secret, by=mei.id, now=now + invites.LASTS)
    people.deactivate(admin.id, reason="离职", by=boss.id, now=now)
    with pytest.raises(LinkSpent):
        accept_invite(*left, shop_secret=secret, by=mei.id, now=now)


def test_an_invite_that_nobody_can_take_up_any_more_keeps_no_address(app: Flask) -> None:
    admin, boss = (make_user(name, roles=[Role.ADMIN]) for name in ("Admin", "Boss"))
    now = utc_now()

    def make(made_at: datetime, by: Person = boss) -> None:
        invites.invite(invites.STAFF, {"roles": ["viewer"]}, note="x", to_email="new@example.test", by=by.id, now=made_at)

    make(now - invites.LASTS)
    make(now)
    make(now, admin)
    people.deactivate(admin.id, reason="离职", by=boss.id, now=now)
    assert [invites.forget_expired(now=now) for _ in range(2)] == [1, 0]
    with reading() as session:
        assert session.scalars(select(Invite.to_email).order_by(Invite.id)).all() == [None, "new@example.test", None]


def test_an_invite_to_a_cooperative_makes_a_member(app: Flask) -> None:
    mei, cooperative, now, secret = make_mei(), make_cooperative(), utc_now(), str(app.config["SECRET_KEY"])
    made = invites.invite(invites.COOPERATIVE, {"cooperative_id": cooperative.id}, note="社员", by=None, now=now)
    with reading():
        found = invites.find_open_invite(made, now=now)
    assert found is not None
    accept_invite(made, found.path(secret).partition("key=")[2], shop_secret=secret, by=mei.id, now=now)
    with app.test_request_context():
        seen = load_signed_in(mei.session_id)
    assert seen is not None and seen.cooperative_ids == (cooperative.id,)


def test_a_closed_account_is_out_at_once_and_cannot_come_in(app: Flask, client: FlaskClient, browser: Browser) -> None:
    admin, clerk = make_user("Admin", roles=[Role.ADMIN]), make_user("Clerk", roles=[Role.OPERATIONS])
    at_work = Browser(sign_in(app.test_client(), clerk))
    assert at_work.open("/staff/").status == 200
    sign_in(client, admin)
    browser.open(f"/staff/people/{clerk.id}")
    assert browser.press(f"/staff/people/{clerk.id}/deactivate", "停用", {"reason": ""}).status == 422
    browser.press(f"/staff/people/{clerk.id}/deactivate", "停用", {"reason": "离职"})
    assert at_work.open("/staff/").path.startswith(SIGN_IN)
    give_password(at_work, clerk)
    assert "不对" in at_work.page.text
    browser.press(f"/staff/people/{clerk.id}/reactivate")
    give_password(at_work, clerk)
    assert at_work.page.path == "/staff/"


def test_one_admin_is_always_left_and_nobody_changes_their_own_standing(app: Flask) -> None:
    admin, other, now = make_user("Admin", roles=[Role.ADMIN]), make_user("Other", roles=[Role.ADMIN]), utc_now()
    with pytest.raises(NotOneself):
        people.set_roles(admin.id, frozenset(Role), by=admin.id, now=now)
    people.set_roles(other.id, frozenset({Role.VIEWER}), by=admin.id, now=now)
    with pytest.raises(LastAdmin):
        people.set_roles(admin.id, frozenset(), by=None, now=now)
    with pytest.raises(LastAdmin):
        people.deactivate(admin.id, reason="x", by=other.id, now=now)
    with reading() as session:
        facts = session.scalars(select(AuditRow.facts).where(AuditRow.action == "person.roles_set")).one()
        assert session.scalars(select(UserRole.role).where(UserRole.user_id == admin.id)).all() == [Role.ADMIN]
    assert facts == {"before": {"roles": ["admin"]}, "after": {"roles": ["viewer"]}}


def test_the_first_admin_of_a_shop_is_made_by_a_command(app: Flask) -> None:
    made = app.test_cli_runner().invoke(args=["people", "invite", "--role", "admin", "--note", "第一位"])
    assert made.exit_code == 0 and "/account/invites/" in made.output
    mei = make_mei()
    assert app.test_cli_runner().invoke(args=["people", "roles", mei.email, "admin"]).exit_code == 0
    assert mei.email in app.test_cli_runner().invoke(args=["people", "list"]).output
    assert app.test_cli_runner().invoke(args=["people", "close", mei.email, "--reason", "x"]).exit_code == 1


def test_where_a_device_was_seen_last_is_written_down_once_in_a_quarter_of_an_hour(app: Flask, client: FlaskClient) -> None:
    mei = make_mei()
    sign_in(client, mei)
    long_ago = utc_now() - timedelta(hours=1)
    act(lambda: db.session.execute(update(SignIn).values(seen_at=long_ago)))()
    client.get("/account/orders/")
    with reading() as session:
        assert session.scalars(select(SignIn.seen_at)).one() > long_ago
