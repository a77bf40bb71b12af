"""Letters about claims: to the buyer, where it stands; to the cooperative, without the buyer's words and without who the buyer is."""

from config import Config
from shop.kit.ids import ClaimId
from shop.messages.kinds import Values
from shop.orders.claim_states import ClaimState
from shop.orders.claims import NoSuchClaim
from shop.outbox.service import ClaimedLetter
from shop.reports.claims import ClaimStory, get_claim

_STILL = {"asked": (ClaimState.ASKED,), "accepted": (ClaimState.ACCEPTED, ClaimState.SENT, ClaimState.DUE, ClaimState.REFUNDED)}
"""What a letter may still say when it is sent: nothing that was overtaken meanwhile."""


def claim_to_buyer(letter: ClaimedLetter, config: Config) -> Values | None:
    """Where a claim of theirs stands."""
    claim, step = _claim(letter), str(letter.facts["step"])
    if claim is None or claim.state not in _STILL.get(step, (claim.state,)):
        return None
    link = f"{config.public_url}/orders/{claim.order_number}/claims/{claim.id}?key={claim.order_key}"
    return {"claim": claim, "step": step, "link": link, "is_cancel": claim.kind == "cancel"}


def claim_to_cooperative(letter: ClaimedLetter, config: Config) -> Values | None:
    """That it is their turn, or that something is off."""
    claim = _claim(letter)
    if claim is None:
        return None
    link = f"{config.public_url}/cooperative/claims/{claim.id}"
    return {"claim": claim, "step": str(letter.facts["step"]), "link": link, "is_cancel": claim.kind == "cancel"}


def _claim(letter: ClaimedLetter) -> ClaimStory | None:
    try:
        return get_claim(ClaimId(int(str(letter.facts["claim_id"]))))
    except NoSuchClaim:
        return None
