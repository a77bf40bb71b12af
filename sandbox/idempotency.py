"""Idempotency keys: the same request with the same key acts once, however often it comes.

As docs.stripe.com/api/idempotent_requests says: the first answer, success or refusal, is kept for 24 hours and given again; the same
key with another endpoint or other parameters is an error; while the first is still at work, others are told to come back; what did not
pass validation is not kept, because nothing began.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.errors import BadParameter, Broken, KeyInUse, SameKeyOtherRequest, StripeError
from sandbox.house import Act, House, Origin
from sandbox.store import StripeObject, Transaction

KEPT_SECONDS = 24 * 60 * 60
LONGEST_KEY = 255


@dataclass(frozen=True)
class Answer:
    """What goes back to the caller. `first_request_id` is set when it is an answer given before."""

    status: int
    body: str
    first_request_id: str | None = None


def once(
    house: House,
    origin: Origin,
    fingerprint: str,
    work: Callable[[Act], StripeObject],
    *,
    delay_seconds: float = 0.0,
    breaks: bool = False,
) -> Answer:
    """Do `work` in one transaction, or give the answer it gave when this key came first.

    `delay_seconds` is a scripted slowness: the key is in use meanwhile; with `breaks` the work is done, and what is answered and kept is a
    failure of Stripe's own. Raises BadParameter, SameKeyOtherRequest, KeyInUse.
    """
    with _held(house, origin.idempotency_key):
        if delay_seconds:
            time.sleep(delay_seconds)
        with house.act(origin) as act:
            if origin.idempotency_key is not None:
                kept = _find(act.books, origin.idempotency_key, fingerprint, act.now)
                if kept is not None:
                    return kept
            try:
                answer = Answer(200, json.dumps(work(act), ensure_ascii=False))
                if breaks:
                    answer = Answer(Broken.status, json.dumps(Broken("A scripted failure, kept for this key.").body()))
            except BadParameter:
                raise
            except StripeError as refusal:
                # Acts refuse before they write; what time itself has done to a session meanwhile is committed with the refusal.
                answer = Answer(refusal.status, json.dumps(refusal.body(), ensure_ascii=False))
            if origin.idempotency_key is not None:
                _keep(act, origin, fingerprint, answer)
        return answer


def fingerprint_of(method: str, path: str, pairs: list[tuple[str, str]]) -> str:
    """What makes two requests the same: endpoint and parameters."""
    return hashlib.sha256(json.dumps([method, path, sorted(pairs)]).encode()).hexdigest()


def forget_old(act: Act) -> None:
    """Let go of answers older than a day."""
    act.books.run("delete from answer where kept_at <= ?", (act.now - KEPT_SECONDS,))


@contextmanager
def _held(house: House, key: str | None) -> Iterator[None]:
    if key is None:
        yield
        return
    if len(key) > LONGEST_KEY:
        raise BadParameter(f"Idempotency keys can be at most {LONGEST_KEY} characters long.")
    with house.in_use_lock:
        if key in house.in_use:
            raise KeyInUse(
                "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and "
                f"the other request is still going through): {key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        house.in_use.add(key)
    try:
        yield
    finally:
        with house.in_use_lock:
            house.in_use.discard(key)


def _find(books: Transaction, key: str, fingerprint: str, now: int) -> Answer | None:
    row = books.run("select * from answer where key = ? and kept_at > ?", (key, now - KEPT_SECONDS)).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise SameKeyOtherRequest(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than "
            f"'{key}' if you meant to execute a different request."
        )
    return Answer(row["status"], row["body"], row["request_id"])


def _keep(act: Act, origin: Origin, fingerprint: str, answer: Answer) -> None:
    act.books.run(
        "insert or replace into answer (key, fingerprint, status, body, request_id, kept_at) values (?, ?, ?, ?, ?, ?)",
        (origin.idempotency_key, fingerprint, answer.status, answer.body, origin.request_id, act.now),
    )
