"""Which role may do what: the words are complete, and the table of the documentation is the code's."""

from pathlib import Path

from shop.accounts.roles import Permission, Role, permissions_of
from shop.web.role_words import PERMISSION_WORDS, ROLE_NOTES, ROLE_WORDS

TABLE = Path(__file__).resolve().parents[3] / "docs" / "roles.md"
NOT_GIVEN_BY_ROLE = {Permission.ANYONE, Permission.SIGNED_IN, Permission.COOPERATIVE, Permission.PROVIDER}
"""By an account, a membership or a signature."""


def test_every_role_and_every_permission_that_a_role_gives_has_its_words() -> None:
    assert set(ROLE_WORDS) == set(ROLE_NOTES) == set(Role)
    assert set(PERMISSION_WORDS) == set(Permission) - NOT_GIVEN_BY_ROLE


def test_the_table_of_the_documentation_is_what_the_code_grants() -> None:
    assert table_of_grants() in TABLE.read_text(encoding="utf-8"), f"docs/roles.md should say:\n\n{table_of_grants()}"


def table_of_grants() -> str:
    """Permissions down, roles across, a dot where it is granted."""
    granted = {role: permissions_of(frozenset({role}), is_member=False) for role in Role}
    rows = [["permission", *Role], ["---", *(":-:" for _ in Role)]]
    for permission in Permission:
        if permission not in NOT_GIVEN_BY_ROLE:
            rows.append([f"`{permission}`", *("●" if permission in granted[role] else "" for role in Role)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
