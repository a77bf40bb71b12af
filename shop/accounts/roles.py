"""Roles and what each may do. A new role or permission is one member and one row here."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the shop, beyond buying."""

    STAFF = "staff"
    """The county e-commerce office: orders, parcels, reports, refunds below the four-eyes sum."""
    FINANCE = "finance"
    """Answers for the figures: reports, payments, refunds."""
    AUDITOR = "auditor"
    """Reads everything in the books, changes nothing."""
    ADMIN = "admin"
    """Everything staff and finance may do, and people's roles."""


class Permission(StrEnum):
    """What an address of the shop may ask for."""

    ANYONE = "anyone"
    """Open to the world."""
    SIGNED_IN = "signed_in"
    """Any account; the page shows only what is its own."""
    COOPERATIVE = "cooperative"
    """Members of a cooperative, for that cooperative's goods only."""
    DESK = "desk"
    """The staff's first page."""
    READ_ORDERS = "read_orders"
    READ_REPORTS = "read_reports"
    SHIP = "ship"
    REFUND = "refund"
    READ_BANK = "read_bank"
    """Bank lines, slips, and what is to be sent back by transfer."""
    BANK = "bank"
    """Say whose money a bank line is; send money back from the bank account."""
    READ_DIVIDENDS = "read_dividends"
    """Costs of lots, dividend rules and runs, with their papers."""
    DIVIDE = "divide"
    """Compute runs, approve what another computed or proposed, publish."""
    SETTLE = "settle"
    """Settlements with cooperatives, where they are paid, and the file for the bank."""
    CLOSE_MONTH = "close_month"
    """Closing a month of the books for good."""
    READ_IMPORTS = "read_imports"
    """Files of sales made by hand, and what came of them."""
    IMPORT = "import"
    """Upload such files and book them."""
    READ_MONEY = "read_money"
    """Our books beside the payment providers': differences, payouts, disputes."""
    RECONCILE = "reconcile"
    """Compare them, and say what an unexplained movement was."""
    READ_CORRECTIONS = "read_corrections"
    """Corrections of lots, and products' accreditations."""
    CORRECT = "correct"
    """Propose a correction of any lot, and decide what another proposed."""
    ACCREDIT = "accredit"
    """Write down that a product is accredited, or no longer."""
    EDIT_ORDERS = "edit_orders"
    """Change a paid order before it is packed."""
    PROVIDER = "provider"
    """A payment provider calling back; the signature decides, not a session."""


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.STAFF: frozenset(
        {
            Permission.READ_CORRECTIONS,
            Permission.CORRECT,
            Permission.ACCREDIT,
            Permission.EDIT_ORDERS,
            Permission.READ_MONEY,
            Permission.READ_IMPORTS,
            Permission.IMPORT,
            Permission.READ_BANK,
            Permission.BANK,
            Permission.DESK,
            Permission.READ_ORDERS,
            Permission.READ_REPORTS,
            Permission.SHIP,
            Permission.REFUND,
            Permission.READ_DIVIDENDS,
            Permission.DIVIDE,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Permission.READ_CORRECTIONS,
            Permission.CORRECT,
            Permission.READ_MONEY,
            Permission.RECONCILE,
            Permission.READ_IMPORTS,
            Permission.IMPORT,
            Permission.READ_BANK,
            Permission.BANK,
            Permission.DESK,
            Permission.READ_ORDERS,
            Permission.READ_REPORTS,
            Permission.REFUND,
            Permission.READ_DIVIDENDS,
            Permission.DIVIDE,
            Permission.SETTLE,
            Permission.CLOSE_MONTH,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Permission.READ_CORRECTIONS,
            Permission.READ_MONEY,
            Permission.READ_IMPORTS,
            Permission.READ_BANK,
            Permission.DESK,
            Permission.READ_ORDERS,
            Permission.READ_REPORTS,
            Permission.READ_DIVIDENDS,
        }
    ),
    Role.ADMIN: frozenset(
        {
            Permission.READ_CORRECTIONS,
            Permission.CORRECT,
            Permission.ACCREDIT,
            Permission.EDIT_ORDERS,
            Permission.READ_MONEY,
            Permission.RECONCILE,
            Permission.READ_IMPORTS,
            Permission.IMPORT,
            Permission.READ_BANK,
            Permission.BANK,
            Permission.DESK,
            Permission.READ_ORDERS,
            Permission.READ_REPORTS,
            Permission.SHIP,
            Permission.REFUND,
            Permission.READ_DIVIDENDS,
            Permission.DIVIDE,
            Permission.SETTLE,
            Permission.CLOSE_MONTH,
        }
    ),
}


def permissions_of(roles: frozenset[Role], *, is_member: bool) -> frozenset[Permission]:
    """Everything a signed-in person may ask for."""
    granted = {Permission.ANYONE, Permission.SIGNED_IN}
    if is_member:
        granted.add(Permission.COOPERATIVE)
    for role in roles:
        granted |= _GRANTS[role]
    return frozenset(granted)
