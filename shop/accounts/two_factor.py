"""Two-step sign-in: setting it up, the second step itself, doing without a lost telephone.

Law: a code is taken once. Five wrong ones in a row close the second step for a quarter of an hour, in the database, whichever process is asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from shop.accounts import codes
from shop.accounts.errors import WrongCode
from shop.accounts.models import RecoveryCode, TwoFactor
from shop.accounts.notices import tell_of_change
from shop.extensions import act, db, require_transaction
from shop.kit.ids import UserId
from shop.outbox import service as outbox

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Enrolment:
    """A secret that waits for its telephone to show that it knows it."""

    secret: str


def find_enrolment(user_id: UserId, *, shop_secret: str) -> Enrolment | None:
    """The secret that was drawn and is not confirmed yet."""
    wanted = select(TwoFactor.sealed_secret).where(TwoFactor.user_id == user_id, TwoFactor.confirmed_at.is_(None))
    sealed = db.session.scalar(wanted)
    return Enrolment(codes.unseal(sealed, shop_secret)) if sealed else None


def recovery_codes_left(user_id: UserId) -> int:
    """How many codes on paper are not used."""
    wanted = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(wanted) or 0


@act
def begin(user_id: UserId, *, shop_secret: str, now: datetime) -> None:
    """Draw a secret, unless there is one that is in use."""
    if db.session.scalar(select(TwoFactor.confirmed_at).where(TwoFactor.user_id == user_id)) is not None:
        return
    db.session.execute(delete(TwoFactor).where(TwoFactor.user_id == user_id))
    sealed = codes.seal(codes.new_secret(), shop_secret)
    values = {"sealed_secret": sealed, "begun_at": now, "confirmed_at": None, "last_step": 0, "failures": 0, "locked_until": None}
    db.session.execute(insert(TwoFactor).values(user_id=user_id, **values))


def confirm(user_id: UserId, code: str, *, shop_secret: str, now: datetime) -> tuple[str, ...]:
    """The telephone knows the secret: from now on it is asked for. The codes for paper, told once.

    Raises WrongCode.
    """
    _take_code(user_id, code, is_confirmed=False, shop_secret=shop_secret, now=now)
    return _confirm(user_id, shop_secret=shop_secret, now=now)


@act
def _confirm(user_id: UserId, *, shop_secret: str, now: datetime) -> tuple[str, ...]:
    waiting = update(TwoFactor).where(TwoFactor.user_id == user_id, TwoFactor.confirmed_at.is_(None)).values(confirmed_at=now)
    if db.session.execute(waiting.returning(TwoFactor.user_id)).one_or_none() is None:
        raise WrongCode
    outbox.write_audit("two_steps.set_up", subject=f"user:{user_id}", by=user_id, facts={"before": False, "after": True}, now=now)
    tell_of_change(user_id, "two_factor", now=now)
    return _draw_recovery_codes(user_id, shop_secret=shop_secret)


@act
def draw_recovery_codes(user_id: UserId, *, shop_secret: str, now: datetime) -> tuple[str, ...]:
    """New codes for paper, told once; the old ones are worth nothing."""
    outbox.write_audit("two_steps.codes_drawn", subject=f"user:{user_id}", by=user_id, facts={}, now=now)
    return _draw_recovery_codes(user_id, shop_secret=shop_secret)


def _draw_recovery_codes(user_id: UserId, *, shop_secret: str) -> tuple[str, ...]:
    drawn = codes.new_recovery_codes()
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": codes.hash_recovery_code(code, shop_secret), "used_at": None} for code in drawn]
    db.session.execute(insert(RecoveryCode), rows)
    return drawn


def check_code(user_id: UserId, code: str, *, shop_secret: str, now: datetime) -> None:
    """The second step: a code of the telephone's, or one from paper.

    Raises WrongCode, with `locked_until` once there were too many.
    """
    bare = "".join(sign for sign in code if sign.isalnum())
    if len(bare) == 6 and bare.isascii() and bare.isdecimal():
        _take_code(user_id, bare, is_confirmed=True, shop_secret=shop_secret, now=now)
    else:
        _take_recovery_code(user_id, codes.hash_recovery_code(bare, shop_secret), now=now)


def _take_code(user_id: UserId, code: str, *, is_confirmed: bool, shop_secret: str, now: datetime) -> None:
    if (refusal := _use_code(user_id, code, is_confirmed=is_confirmed, shop_secret=shop_secret, now=now)) is not None:
        raise refusal  # outside the act, so that the failure that was counted stays


@act
def _use_code(user_id: UserId, code: str, *, is_confirmed: bool, shop_secret: str, now: datetime) -> WrongCode | None:
    row = _lock(user_id)
    if row is None or (row.confirmed_at is not None) != is_confirmed:
        return WrongCode()
    if row.locked_until is not None and row.locked_until > now:
        return WrongCode(row.locked_until)
    step = codes.step_of(code, codes.unseal(row.sealed_secret, shop_secret), now)
    if step is None or step <= row.last_step:
        return _fail(row, now=now)
    row.last_step, row.failures, row.locked_until = step, 0, None
    return None


def _take_recovery_code(user_id: UserId, code_hash: str, *, now: datetime) -> None:
    if (refusal := _use_recovery_code(user_id, code_hash, now=now)) is not None:
        raise refusal


@act
def _use_recovery_code(user_id: UserId, code_hash: str, *, now: datetime) -> WrongCode | None:
    row = _lock(user_id)
    if row is None or row.confirmed_at is None:
        return WrongCode()
    if row.locked_until is not None and row.locked_until > now:
        return WrongCode(row.locked_until)
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
    if not db.session.execute(update(RecoveryCode).where(*unused).values(used_at=now).returning(RecoveryCode.user_id)).all():
        return _fail(row, now=now)
    row.failures, row.locked_until = 0, None
    outbox.write_audit("two_steps.paper_code_used", subject=f"user:{user_id}", by=user_id, facts={}, now=now)
    return None


def _lock(user_id: UserId) -> TwoFactor | None:
    return db.session.scalar(select(TwoFactor).where(TwoFactor.user_id == user_id).with_for_update())


def _fail(row: TwoFactor, *, now: datetime) -> WrongCode:
    row.failures += 1
    if row.failures >= MOST_FAILURES:
        row.failures, row.locked_until = 0, now + LOCKED_FOR
        return WrongCode(row.locked_until)
    return WrongCode()


def turn_off(user_id: UserId, *, by: UserId | None, now: datetime) -> bool:
    """Step. No second step any more, codes on paper neither; whether there was one."""
    require_transaction()
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    gone = db.session.execute(delete(TwoFactor).where(TwoFactor.user_id == user_id).returning(TwoFactor.confirmed_at)).all()
    was_set_up = any(row.confirmed_at is not None for row in gone)
    if was_set_up:
        outbox.write_audit("two_steps.turned_off", subject=f"user:{user_id}", by=by, facts={"before": True, "after": False}, now=now)
        tell_of_change(user_id, "two_factor", now=now)
    return was_set_up


@act
def do_without(user_id: UserId, *, now: datetime) -> None:
    """Somebody turns their own second step off."""
    turn_off(user_id, by=user_id, now=now)
