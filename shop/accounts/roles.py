"""Roles and what each may do. A new role or permission is one member and one row here."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the shop, beyond buying."""

    VIEWER = "viewer"
    """Reads everything in the books, changes nothing: an auditor, somebody of the county."""
    OPERATIONS = "operations"
    """The county e-commerce office: orders, parcels, reports, refunds below the four-eyes sum."""
    PAIRING = "pairing"
    """The pairing office: the register of pairings, sales by village and by eastern unit. Sees no buyer and no order."""
    FINANCE = "finance"
    """Answers for the figures: reports, payments, refunds."""
    ADMIN = "admin"
    """Everything operations and finance may do, and people's roles."""


TWO_STEPS = frozenset({Role.FINANCE, Role.ADMIN})
"""Roles whose pages open only to who has two-step sign-in."""


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
    NOTE_ORDERS = "note_orders"
    """Leave a note on an order."""
    EDIT_ORDERS = "edit_orders"
    """Change a paid order before it is packed."""
    GOODS = "goods"
    """Look after products: photographs, labels, what other shops ask, certificates, villages' stories, cooperatives' permits."""
    MODERATE = "moderate"
    """Decide which reviews, and which answers to them, everybody may read."""
    PEOPLE = "people"
    """Invite, give and take roles, close accounts."""
    READ_AUDIT = "read_audit"
    """Who did what, with before and after."""
    READ_SUSPICIONS = "read_suspicions"
    """What looks odd and wants a second look."""
    READ_VOUCHERS = "read_vouchers"
    """Vouchers, and what they took off."""
    MAKE_VOUCHERS = "make_vouchers"
    """Make vouchers, and end them."""
    PAIR = "pair"
    """The register of eastern units and pairings: add, end, say what they aim at."""
    REGISTER = "register"
    """Tariffs of carriage, days off, villages and towns, cooperatives."""
    READ_FAPIAO = "read_fapiao"
    """Requests for fapiao, with whom they are made out to."""
    FAPIAO = "fapiao"
    """Write down which fapiao was issued, refused or taken back."""
    PROVIDER = "provider"
    """A payment provider calling back; the signature decides, not a session."""


_READS = frozenset(
    {
        Permission.DESK,
        Permission.READ_ORDERS,
        Permission.READ_REPORTS,
        Permission.READ_BANK,
        Permission.READ_DIVIDENDS,
        Permission.READ_IMPORTS,
        Permission.READ_MONEY,
        Permission.READ_CORRECTIONS,
        Permission.READ_SUSPICIONS,
        Permission.READ_VOUCHERS,
        Permission.READ_FAPIAO,
    }
)
"""What whoever answers for the figures sees."""
_DECIDES = frozenset(
    {
        Permission.NOTE_ORDERS,
        Permission.REFUND,
        Permission.BANK,
        Permission.DIVIDE,
        Permission.IMPORT,
        Permission.CORRECT,
        Permission.FAPIAO,
    }
)
"""What staff and the finance office do alike."""
_GOODS = frozenset(
    {
        Permission.SHIP,
        Permission.ACCREDIT,
        Permission.EDIT_ORDERS,
        Permission.GOODS,
        Permission.MODERATE,
        Permission.MAKE_VOUCHERS,
    }
)
"""What concerns products and parcels."""
_BOOKS = frozenset(
    {
        Permission.SETTLE,
        Permission.CLOSE_MONTH,
        Permission.RECONCILE,
    }
)
"""What concerns the books themselves."""

_REGISTER = frozenset({Permission.PAIR, Permission.REGISTER})
"""What stands in the county's registers."""

_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READS | {Permission.READ_AUDIT},
    Role.OPERATIONS: _READS | _DECIDES | _GOODS | _REGISTER,
    Role.PAIRING: frozenset({Permission.DESK, Permission.READ_REPORTS, Permission.PAIR}),
    Role.FINANCE: _READS | _DECIDES | _BOOKS | {Permission.READ_AUDIT},
    Role.ADMIN: _READS | _DECIDES | _GOODS | _BOOKS | _REGISTER | {Permission.READ_AUDIT, Permission.PEOPLE},
}


def permissions_of(roles: frozenset[Role], *, is_member: bool) -> frozenset[Permission]:
    """Everything a signed-in person may ask for."""
    granted = {Permission.ANYONE, Permission.SIGNED_IN}
    if is_member:
        granted.add(Permission.COOPERATIVE)
    for role in roles:
        granted |= _GRANTS[role]
    return frozenset(granted)
