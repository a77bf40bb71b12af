"""`flask people`: who works here, at a terminal. The first admin of a shop is made here, since nobody is there yet to invite one."""

import click
from flask import current_app
from flask.cli import AppGroup

from config import Config
from shop.accounts import invites
from shop.accounts import people as verbs
from shop.accounts.errors import LastAdmin
from shop.accounts.queries import find_credentials
from shop.accounts.roles import Role
from shop.extensions import end_reading, reading
from shop.kit.clock import utc_now
from shop.kit.ids import UserId
from shop.kit.phones import find_mobile
from shop.origin.queries import find_cooperative

people = AppGroup("people", help="Who works here, and what each may do.")

_ROLE = click.Choice([role.value for role in Role])


@people.command("invite")
@click.option("--role", "roles", multiple=True, type=_ROLE, help="What the person may do; several times for several roles.")
@click.option("--cooperative", "slug", help="The slug of a cooperative that the person works for, instead of roles.")
@click.option("--to", default="", help="An e-mail address or mobile number: a letter with the link is sent there.")
@click.option("--note", default="", help="Whom it is for, so that it can be told apart.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def invite(roles: tuple[str, ...], slug: str | None, to: str, note: str, language: str) -> None:
    """Make a link by which somebody joins, and print it. It works once, for a week."""
    if bool(roles) == bool(slug):
        raise click.UsageError("name roles with --role, or one cooperative with --cooperative")
    kind, grants, subject = invites.STAFF, {"roles": sorted(set(roles))}, ""
    if slug:
        with reading():
            cooperative_id = find_cooperative(slug)
        if cooperative_id is None:
            raise click.ClickException(f"there is no cooperative {slug}")
        kind, grants, subject = invites.COOPERATIVE, {"cooperative_id": int(cooperative_id)}, f"cooperative:{cooperative_id}"  # type: ignore[dict-item]  # ids or names
    phone = find_mobile(to)
    email = to.strip().lower() if to and not phone else None
    if email is not None and "@" not in email:
        raise click.UsageError("--to is neither an e-mail address nor a mobile number")
    given = invites.invite(
        kind, grants, note=note or to, to_email=email, to_phone=phone, locale=language, subject=subject, by=None, now=utc_now()
    )
    config: Config = current_app.config["SHOP"]
    with reading():
        made = invites.find_open_invite(given, now=utc_now())
    assert made is not None
    click.echo(f"{config.public_url}{made.path(config.secret_key)}")


@people.command("list")
def list_people() -> None:
    """Everybody with a role."""
    with reading():
        found = verbs.list_people()
    for person in found:
        closed = "  closed" if person.deactivated_at else ""
        steps = "  two steps" if person.has_two_steps else ""
        click.echo(f"{person.id}\t{person.email or person.phone}\t{', '.join(person.roles)}{steps}{closed}")


@people.command("roles")
@click.argument("who")
@click.argument("roles", nargs=-1, type=_ROLE)
def set_roles(who: str, roles: tuple[str, ...]) -> None:
    """Give WHO exactly these ROLES; none takes all away. WHO signs in by this e-mail address or mobile number."""
    try:
        verbs.set_roles(_known(who), frozenset(Role(role) for role in roles), by=None, now=utc_now())
    except LastAdmin:
        raise click.ClickException("nobody would be left who may give roles") from None


@people.command("close")
@click.argument("who")
@click.option("--reason", required=True, help="Stands in the audit log.")
def close(who: str, reason: str) -> None:
    """Nobody gets in by the account of WHO any more; every device is signed out."""
    try:
        verbs.deactivate(_known(who), reason=reason[:120], by=None, now=utc_now())
    except LastAdmin:
        raise click.ClickException("nobody would be left who may give roles") from None


@people.command("reset-two-steps")
@click.argument("who")
def reset_two_steps(who: str) -> None:
    """The telephone and the codes of WHO are lost: two-step sign-in is set up anew."""
    verbs.reset_two_steps(_known(who), by=None, now=utc_now())


def _known(who: str) -> UserId:
    phone = find_mobile(who)
    with reading():
        known = find_credentials(phone=phone) if phone else find_credentials(email=who.strip().lower())
    end_reading()
    if known is None:
        raise click.ClickException(f"nobody signs in by {who}")
    return known.user_id
