"""People: who works here, what each may do, invites, accounts closed and opened again; and which role opens which page."""

from flask import Blueprint, flash, render_template, request
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from shop.accounts import invites, people
from shop.accounts.errors import LastAdmin, NotOneself
from shop.accounts.roles import Permission, Role, permissions_of
from shop.kit.clock import utc_now
from shop.kit.ids import InviteId, UserId
from shop.web.account.door import read_name
from shop.web.cooperative.fields import refuse
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.role_words import PERMISSION_WORDS, ROLE_NOTES, ROLE_WORDS
from shop.web.typed import clean

blueprint = Blueprint("people", __name__, url_prefix="/people")

_ID = "int(max=9223372036854775807)"


class RolesForm(Form):
    """What somebody may do."""

    roles = SelectMultipleField(
        lazy_gettext("角色"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[SelectChoice(role.value, "") for role in Role],
    )

    def chosen(self) -> frozenset[Role]:
        """The roles that are ticked."""
        return frozenset(Role(value) for value in self.roles.data or ())


class InviteForm(RolesForm):
    """Whom, where to, and as what."""

    note = StringField(lazy_gettext("给谁"))
    who = StringField(lazy_gettext("邮箱或手机号"))


@blueprint.get("/")
@needs(Permission.PEOPLE)
def index() -> str:
    """Everybody with a role, and the invites that wait."""
    return _index(InviteForm())


@blueprint.post("/invites")
@needs(Permission.PEOPLE)
def invite() -> Response | tuple[str, int]:
    """Make a link, and send it if there is an address."""
    form = InviteForm()
    typed = (form.who.data or "").strip()
    name = read_name(typed)
    note = clean(form.note.data, most=60)
    if typed and name is None:
        refuse(form.who, gettext("这不像手机号，也不像邮箱，检查一下。"))
    if not note:
        refuse(form.note, gettext("写一句给谁的，回头好认。"))
    if not form.chosen():
        refuse(form.roles, gettext("至少勾一个角色。"))
    if form.errors:
        return _index(form), 422
    invites.invite(
        invites.STAFF,
        {"roles": sorted(form.chosen())},
        note=note,
        to_email=name.email if name else None,
        to_phone=name.phone if name else None,
        locale=str(get_locale()),
        by=somebody().user_id,
        now=utc_now(),
    )
    flash(gettext("邀请寄出去了，链接也在下面，可以自己发。") if name else gettext("链接在下面，发给对方就好。"), "success")
    return go("staff.people.index", _anchor="invites")


@blueprint.post(f"/invites/<{_ID}:invite_id>/withdraw")
@needs(Permission.PEOPLE)
def withdraw_invite(invite_id: int) -> Response:
    """The link opens nothing any more."""
    invites.withdraw(InviteId(invite_id), kind=invites.STAFF, by=somebody().user_id, now=utc_now())
    flash(gettext("收回了，那个链接打不开了。"), "success")
    return go("staff.people.index", _anchor="invites")


@blueprint.get(f"/<{_ID}:user_id>")
@needs(Permission.PEOPLE)
def show(user_id: int) -> str:
    """One person."""
    form = RolesForm(roles=[role.value for role in people.get_person(UserId(user_id)).roles])
    return _person(user_id, form)


@blueprint.post(f"/<{_ID}:user_id>/roles")
@needs(Permission.PEOPLE)
def set_roles(user_id: int) -> Response | tuple[str, int]:
    """Exactly these roles from now on."""
    form = RolesForm()
    try:
        people.set_roles(UserId(user_id), form.chosen(), by=somebody().user_id, now=utc_now())
    except (LastAdmin, NotOneself) as refusal:
        refuse(form.roles, _why(refusal))
        return _person(user_id, form), 422
    flash(gettext("角色改好了，对方的下一页就照新的来。"), "success")
    return go("staff.people.show", user_id=user_id)


@blueprint.post(f"/<{_ID}:user_id>/deactivate")
@needs(Permission.PEOPLE)
def deactivate(user_id: int) -> Response | tuple[str, int]:
    """Close the account to its owner."""
    reason = clean(request.form.get("reason"), most=120)
    if not reason:
        return _person(user_id, trouble=gettext("写一句为什么停用。")), 422
    try:
        people.deactivate(UserId(user_id), reason=reason, by=somebody().user_id, now=utc_now())
    except (LastAdmin, NotOneself) as refusal:
        return _person(user_id, trouble=_why(refusal)), 422
    flash(gettext("停用了，所有设备都已退出。"), "success")
    return go("staff.people.show", user_id=user_id)


@blueprint.post(f"/<{_ID}:user_id>/reactivate")
@needs(Permission.PEOPLE)
def reactivate(user_id: int) -> Response | tuple[str, int]:
    """Open it again."""
    try:
        people.reactivate(UserId(user_id), by=somebody().user_id, now=utc_now())
    except NotOneself as refusal:
        return _person(user_id, trouble=_why(refusal)), 422
    flash(gettext("又可以登录了。"), "success")
    return go("staff.people.show", user_id=user_id)


@blueprint.post(f"/<{_ID}:user_id>/reset-two-steps")
@needs(Permission.PEOPLE)
def reset_two_steps(user_id: int) -> Response | tuple[str, int]:
    """The telephone and the paper are lost."""
    try:
        people.reset_two_steps(UserId(user_id), by=somebody().user_id, now=utc_now())
    except NotOneself as refusal:
        return _person(user_id, trouble=_why(refusal)), 422
    flash(gettext("两步验证清掉了，下次登录重新设。"), "success")
    return go("staff.people.show", user_id=user_id)


@blueprint.get("/roles")
@needs(Permission.PEOPLE)
def roles() -> str:
    """Which role may do what."""
    grants = {role: permissions_of(frozenset({role}), is_member=False) for role in Role}
    return render_template(
        "staff/people/roles.html", grants=grants, roles=list(Role), words=ROLE_WORDS, notes=ROLE_NOTES, permissions=PERMISSION_WORDS
    )


def _index(form: InviteForm) -> str:
    waiting = invites.open_invites(invites.STAFF, now=utc_now())
    config = settings()
    links = {invite.id: f"{config.public_url}{invite.path(config.secret_key)}" for invite in waiting}
    return render_template(
        "staff/people/index.html",
        people=people.list_people(),
        invites=waiting,
        links=links,
        form=form,
        roles=list(Role),
        words=ROLE_WORDS,
        notes=ROLE_NOTES,
    )


def _person(user_id: int, form: RolesForm | None = None, *, trouble: str = "") -> str:
    person = people.get_person(UserId(user_id))
    return render_template(
        "staff/people/show.html",
        person=person,
        form=form or RolesForm(formdata=None, roles=[role.value for role in person.roles]),
        trouble=trouble,
        roles=list(Role),
        words=ROLE_WORDS,
        notes=ROLE_NOTES,
    )


def _why(refusal: LastAdmin | NotOneself) -> str:
    if isinstance(refusal, LastAdmin):
        return str(gettext("这样就没有管理员了，先让另一个人当管理员。"))
    return str(gettext("自己的角色和账户要另一位管理员来改。"))
