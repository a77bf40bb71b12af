"""The account that a provider in memory keeps: movements with fees, payouts, disputes, and events that did not arrive.

Fees are those of the sandbox: Alipay and WeChat Pay 2.2 % and 0.30, cards 3.4 % and 2.00, a dispute 80.00; refunds give no fee back.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import count

from shop.extensions import require_no_transaction
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import BalanceKind, DisputeState, PayoutState
from shop.payments.provider import DisputeWord, Movement, PayoutWord, Told

DISPUTE_FEE_FEN = 8_000

_names = count(1)


@dataclass
class FakeAccount:
    """Keeps the contract of shop.payments.provider.KeepsAccount. What happens at the provider happens at `clock`."""

    clock: datetime = field(default=datetime(2026, 11, 23, 2, 0, tzinfo=UTC), kw_only=True)
    settles_in: str | None = field(default=None, kw_only=True)
    """None: every payment in its own currency."""
    rate: Fraction = field(default=Fraction(109, 100), kw_only=True)
    all_movements: list[Movement] = field(default_factory=list, kw_only=True)
    all_payouts: dict[str, PayoutWord] = field(default_factory=dict, kw_only=True)
    all_disputes: dict[str, DisputeWord] = field(default_factory=dict, kw_only=True)
    undelivered: list[Told] = field(default_factory=list, kw_only=True)
    taken_along: dict[str, str] = field(default_factory=dict, kw_only=True)
    """Movement → payout."""
    account_is_down: bool = field(default=False, kw_only=True)

    # ── What the shop asks ────────────────────────────────────────────────────────────────────────────────────────────

    def movements(self, since: datetime, until: datetime) -> list[Movement]:
        """Every movement that happened meanwhile."""
        self._answering()
        return [movement for movement in self.all_movements if since <= movement.happened_at < until]

    def movements_of_payout(self, payout_id: str) -> list[Movement]:
        """What a payout took along."""
        self._answering()
        return [movement for movement in self.all_movements if self.taken_along.get(movement.provider_id) == payout_id]

    def payouts(self, since: datetime, until: datetime) -> list[PayoutWord]:
        """Every payout made meanwhile."""
        self._answering()
        return [payout for payout in self.all_payouts.values() if since <= payout.made_at < until]

    def payout(self, payout_id: str) -> PayoutWord:
        """How one stands."""
        self._answering()
        if payout_id not in self.all_payouts:
            raise ProviderRefused("resource_missing")
        return self.all_payouts[payout_id]

    def disputes(self, since: datetime, until: datetime) -> list[DisputeWord]:
        """Every dispute opened meanwhile."""
        self._answering()
        return [dispute for dispute in self.all_disputes.values() if since <= dispute.opened_at < until]

    def dispute(self, dispute_id: str) -> DisputeWord:
        """How one stands."""
        self._answering()
        if dispute_id not in self.all_disputes:
            raise ProviderRefused("resource_missing")
        return self.all_disputes[dispute_id]

    def undelivered_events(self, since: datetime, until: datetime) -> list[Told]:
        """What did not arrive."""
        self._answering()
        return [event for event in self.undelivered if since <= event.happened_at < until]

    # ── What happens there ────────────────────────────────────────────────────────────────────────────────────────────

    def move(
        self,
        kind: BalanceKind,
        fen: int,
        fee_fen: int = 0,
        *,
        source_id: str | None = None,
        currency: str = "CNY",
        intent_id: str | None = None,
        reference: str | None = None,
        word: str = "",
        settled: str | None = None,
    ) -> Movement:
        """The balance moves by `fen` less the fee, both in the buyer's currency; settled in another one if the account is kept so."""
        settles_in = settled or self.settles_in or currency
        rate = self.rate if settles_in != currency else Fraction(1)
        movement = Movement(
            provider_id=f"txn_fake_{next(_names)}",
            kind=kind,
            word=word or kind.value,
            gross_fen=round(fen * rate),
            fee_fen=round(fee_fen * rate),
            currency=settles_in,
            exchange_rate=str(float(rate)) if settles_in != currency else None,
            source_id=source_id,
            source_fen=fen,
            source_currency=currency,
            intent_id=intent_id,
            reference=reference,
            happened_at=self.clock,
            available_at=self.clock + timedelta(days=7),
        )
        self.all_movements.append(movement)
        return movement

    def charge_comes(self, intent_id: str, fen: int, currency: str, method: str, reference: str) -> None:
        """A buyer's money is in the balance, less the fee."""
        ten_thousandths, fixed = (340, 200) if method == "card" else (220, 30)
        fee_fen = (fen * ten_thousandths + 5_000) // 10_000 + fixed
        source = f"ch_of_{intent_id}"
        self.move(BalanceKind.CHARGE, fen, fee_fen, source_id=source, currency=currency, intent_id=intent_id, reference=reference)

    def refund_goes(self, refund_id: str, intent_id: str, fen: int, currency: str) -> None:
        """Money leaves the balance for the buyer."""
        self.move(BalanceKind.REFUND, -fen, source_id=refund_id, currency=currency, intent_id=intent_id)

    def refund_comes_back(self, refund_id: str, intent_id: str, fen: int, currency: str) -> None:
        """It did not arrive."""
        self.move(BalanceKind.REFUND_FAILED, fen, source_id=refund_id, currency=currency, intent_id=intent_id)

    def open_dispute(self, intent_id: str, fen: int, *, inquiry: bool = False, currency: str = "CNY") -> str:
        """The buyer's bank wants so much back; unless it only asks, the money is withdrawn at once. The dispute's name."""
        dispute_id = f"du_fake_{next(_names)}"
        state = DisputeState.INQUIRY if inquiry else DisputeState.NEEDS_RESPONSE
        due = self.clock + timedelta(days=7)
        reference = next((one.reference for one in self.all_movements if one.intent_id == intent_id), None)
        self.all_disputes[dispute_id] = DisputeWord(
            dispute_id, intent_id, fen, currency, "product_not_received", state, due, self.clock, reference
        )
        if not inquiry:
            self._withdraw(dispute_id)
        return dispute_id

    def escalate(self, dispute_id: str) -> None:
        """An inquiry becomes a dispute."""
        self._stand(dispute_id, DisputeState.NEEDS_RESPONSE)
        self._withdraw(dispute_id)

    def answer_dispute(self, dispute_id: str) -> None:
        """Evidence was handed in."""
        self._stand(dispute_id, DisputeState.UNDER_REVIEW)

    def close_dispute(self, dispute_id: str, *, won: bool, fee_back: bool = False) -> None:
        """The bank has decided; won, the money comes back."""
        dispute = self.all_disputes[dispute_id]
        if dispute.state is DisputeState.INQUIRY:
            self._stand(dispute_id, DisputeState.CLOSED)
            return
        self._stand(dispute_id, DisputeState.WON if won else DisputeState.LOST)
        if won:
            fee_fen = -DISPUTE_FEE_FEN if fee_back else 0
            self.move(
                BalanceKind.DISPUTE_RETURNED,
                dispute.amount_fen,
                fee_fen,
                source_id=dispute_id,
                currency=dispute.currency,
                intent_id=dispute.intent_id,
            )

    def is_withdrawn(self, intent_id: str) -> bool:
        """Whether a payment's money was taken back by a bank."""
        gone = (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.LOST)
        return any(dispute.intent_id == intent_id and dispute.state in gone for dispute in self.all_disputes.values())

    def pay_out(self, currency: str = "CNY", *, state: PayoutState = PayoutState.PAID) -> str:
        """Everything that no payout has taken along goes to our bank. The payout's name."""
        payout_id = f"po_fake_{next(_names)}"
        taken = [one for one in self.all_movements if one.currency == currency and one.provider_id not in self.taken_along]
        amount_fen = sum(movement.net_fen for movement in taken)
        self.taken_along |= {movement.provider_id: payout_id for movement in taken}
        own = self.move(BalanceKind.PAYOUT, -amount_fen, source_id=payout_id, currency=currency, settled=currency)
        self.taken_along[own.provider_id] = "its own"
        self.all_payouts[payout_id] = PayoutWord(payout_id, amount_fen, currency, state, None, self.clock, date(2026, 11, 25))
        return payout_id

    def bounce(self, payout_id: str) -> None:
        """The bank sends a payout back."""
        payout = self.all_payouts[payout_id]
        self.all_payouts[payout_id] = replace(payout, state=PayoutState.FAILED, trouble="account_closed")
        self.move(BalanceKind.PAYOUT_FAILED, payout.amount_fen, source_id=payout_id, currency=payout.currency, settled=payout.currency)

    def forget_to_tell(self, kind: str, object_id: str) -> Told:
        """An event happens, and every attempt to deliver it fails."""
        event = Told(f"evt_fake_{next(_names)}", kind, object_id, self.clock)
        self.undelivered.append(event)
        return event

    def balance_fen(self, currency: str = "CNY") -> int:
        """What the provider holds for us."""
        return sum(movement.net_fen for movement in self.all_movements if movement.currency == currency)

    # ── Behind the scenes ─────────────────────────────────────────────────────────────────────────────────────────────

    def _withdraw(self, dispute_id: str) -> None:
        dispute = self.all_disputes[dispute_id]
        self.move(
            BalanceKind.DISPUTE,
            -dispute.amount_fen,
            DISPUTE_FEE_FEN,
            source_id=dispute_id,
            currency=dispute.currency,
            intent_id=dispute.intent_id,
        )

    def _stand(self, dispute_id: str, state: DisputeState) -> None:
        self.all_disputes[dispute_id] = replace(self.all_disputes[dispute_id], state=state)

    def _answering(self) -> None:
        require_no_transaction()
        if self.account_is_down:
            raise ProviderUnavailable("scripted: the account does not answer")
