"""Checkout Sessions: what is to be paid, until when, and where the buyer goes afterwards.

Law: a session is open, then complete or expired; past its `expires_at` it is expired whoever looks at it. (One exception is played on
purpose: a bank that answers late completes an expired session, see payments.)
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import BadParameter, StripeError, no_such
from sandbox.events import emit
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import (
    EXPAND,
    Address,
    AnyTree,
    Currency,
    Email,
    Fields,
    Flag,
    ListOf,
    Metadata,
    Text,
    Whole,
    listing,
    retrieving,
)
from sandbox.store import StripeObject

SHORTEST_SECONDS = 30 * 60
LONGEST_SECONDS = 24 * 60 * 60
LARGEST_AMOUNT = 99_999_999
SMALLEST_AMOUNTS = {"cny": 400, "hkd": 400, "usd": 50, "eur": 50, "gbp": 30, "sgd": 50, "aud": 50, "cad": 50}
"""The least a payment may come to (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). Stripe measures the renminbi by what it
settles to, at least HK$4.00; the rate moves, so ¥4.00 is played."""
METHODS = ("alipay", "wechat_pay", "card")
"""The ways to pay that the pay page offers, in its order."""

# The names that the SDK 16.1 lists for `allowed_payment_method_types`.
_METHOD_NAMES = """
acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum blik boleto card cashapp
crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay
nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay
sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip
"""

_LINE_ITEM = Fields(
    {
        "quantity": Whole(1, 999_999),
        "metadata": Metadata(),
        "price_data": Fields(
            {
                "currency": Currency(),
                "unit_amount": Whole(0, LARGEST_AMOUNT),
                "tax_behavior": Text(one_of=frozenset({"exclusive", "inclusive", "unspecified"})),
                "product_data": Fields(
                    {
                        "name": Text(longest=250),
                        "description": Text(),
                        "images": ListOf(Address(), most=8),
                        "metadata": Metadata(),
                        "tax_code": Text(),
                        "unit_label": Text(longest=12),
                    },
                    required=("name",),
                    unplayed=frozenset({"tax_details"}),
                ),
            },
            required=("currency", "product_data", "unit_amount"),
            unplayed=frozenset({"product", "recurring", "unit_amount_decimal"}),
        ),
    },
    required=("price_data", "quantity"),
    unplayed=frozenset({"adjustable_quantity", "price", "tax_rates"}),
)

_SHIPPING_OPTION = Fields(
    {
        "shipping_rate_data": Fields(
            {
                "display_name": Text(longest=100),
                "type": Text(one_of=frozenset({"fixed_amount"})),
                "fixed_amount": Fields({"amount": Whole(0, LARGEST_AMOUNT), "currency": Currency()}, required=("amount", "currency")),
                "metadata": Metadata(),
                "tax_behavior": Text(one_of=frozenset({"exclusive", "inclusive", "unspecified"})),
                "tax_code": Text(),
                "delivery_estimate": AnyTree(),
            },
            required=("display_name", "fixed_amount"),
        )
    },
    required=("shipping_rate_data",),
    unplayed=frozenset({"shipping_rate"}),
)

# `payment_method_types` is absent: this API version refuses it as unknown (docs.stripe.com, changelog of 2026-10-28.endive).
CREATE = Fields(
    {
        "expand": EXPAND,
        "mode": Text(one_of=frozenset({"payment"})),
        "ui_mode": Text(one_of=frozenset({"hosted_page"})),
        "line_items": ListOf(_LINE_ITEM, most=100),
        "success_url": Address(),
        "cancel_url": Address(),
        "expires_at": Whole(),
        "client_reference_id": Text(longest=200),
        "customer": Text(),
        "customer_email": Email(),
        "metadata": Metadata(),
        "payment_intent_data": Fields(
            {
                "description": Text(longest=1000),
                "metadata": Metadata(),
                "receipt_email": Email(),
                "statement_descriptor": Text(longest=22),
                "statement_descriptor_suffix": Text(longest=22),
                "capture_method": Text(one_of=frozenset({"automatic", "automatic_async"})),
            },
            unplayed=frozenset(
                {"application_fee_amount", "on_behalf_of", "setup_future_usage", "shipping", "transfer_data", "transfer_group"}
            ),
        ),
        "allowed_payment_method_types": ListOf(Text(one_of=frozenset(_METHOD_NAMES.split()))),
        "excluded_payment_method_types": ListOf(Text(one_of=frozenset(_METHOD_NAMES.split()))),
        "payment_method_options": AnyTree(),
        "shipping_options": ListOf(_SHIPPING_OPTION, most=5),
        "currency": Currency(),
        "locale": Text(longest=10),
        "submit_type": Text(one_of=frozenset({"auto", "book", "donate", "pay"})),
        "billing_address_collection": Text(one_of=frozenset({"auto", "required"})),
        "customer_creation": Text(one_of=frozenset({"always", "if_required"})),
        "redirect_on_completion": Text(one_of=frozenset({"always"})),
        "origin_context": Text(one_of=frozenset({"mobile_app", "web"})),
        "integration_identifier": Text(),
        "adaptive_pricing": Fields({"enabled": Flag()}),
        "automatic_tax": Fields({"enabled": Flag()}),
        "allow_promotion_codes": Flag(),
        "phone_number_collection": Fields({"enabled": Flag()}, required=("enabled",)),
        "tax_id_collection": Fields({"enabled": Flag()}, required=("enabled",)),
        "invoice_creation": Fields({"enabled": Flag()}, required=("enabled",)),
        "branding_settings": AnyTree(),
        "custom_text": AnyTree(),
        "wallet_options": AnyTree(),
    },
    required=("mode", "line_items", "success_url"),
    unplayed=frozenset(
        {
            "after_expiration",
            "consent_collection",
            "custom_fields",
            "customer_account",
            "customer_update",
            "discounts",
            "managed_payments",
            "name_collection",
            "optional_items",
            "payment_method_collection",
            "payment_method_configuration",
            "payment_method_data",
            "permissions",
            "return_url",
            "saved_payment_method_options",
            "setup_intent_data",
            "shipping_address_collection",
            "subscription_data",
        }
    ),
)
RETRIEVE = EXPIRE = retrieving()
LINE_ITEMS = listing()
LIST = listing(customer=Text(), payment_intent=Text(), status=Text(one_of=frozenset({"open", "complete", "expired"})))


def create(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Open a session for the line items of `wanted`. Raises BadParameter, and StripeError for a customer that there is not."""
    customer = _customer(act, wanted)
    currency = _one_currency(wanted)
    identifier = new_id("cs_test", 58)
    line_items = [_line_item(item) for item in wanted["line_items"]]
    subtotal = sum(item["amount_total"] for item in line_items)
    shipping = _shipping(wanted, currency)
    total = subtotal + (shipping["amount_total"] if shipping else 0)
    _within_limits(total, currency)
    allowed = wanted.get("allowed_payment_method_types")
    excluded = wanted.get("excluded_payment_method_types")
    session: StripeObject = {
        "id": identifier,
        "object": "checkout.session",
        "adaptive_pricing": wanted.get("adaptive_pricing", {"enabled": False}),
        "after_expiration": None,
        "allow_promotion_codes": wanted.get("allow_promotion_codes"),
        "allowed_payment_method_types": allowed,
        "amount_subtotal": subtotal,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": wanted.get("billing_address_collection"),
        "branding_settings": wanted.get("branding_settings"),
        "cancel_url": wanted.get("cancel_url"),
        "client_reference_id": wanted.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": act.now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": wanted.get("custom_text", {}),
        "customer": customer["id"] if customer else None,
        "customer_account": None,
        "customer_creation": wanted.get("customer_creation", "if_required"),
        "customer_details": None,
        "customer_email": wanted.get("customer_email"),
        "discounts": [],
        "excluded_payment_method_types": excluded,
        "expires_at": _expiry(act.now, wanted.get("expires_at")),
        "integration_identifier": wanted.get("integration_identifier"),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": wanted.get("locale"),
        "metadata": wanted.get("metadata", {}),
        "mode": "payment",
        "origin_context": wanted.get("origin_context"),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": wanted.get("payment_method_options", {}),
        "payment_method_types": _offered(allowed, excluded),
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": wanted.get("phone_number_collection", {"enabled": False}),
        "recovered_from": None,
        "redirect_on_completion": wanted.get("redirect_on_completion", "always"),
        "return_url": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": shipping,
        "shipping_options": [{"shipping_amount": shipping["amount_total"], "shipping_rate": shipping["shipping_rate"]}] if shipping else [],
        "status": "open",
        "submit_type": wanted.get("submit_type"),
        "subscription": None,
        "success_url": wanted["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": shipping["amount_total"] if shipping else 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{act.settings.public_url}/pay/{identifier}",
        "wallet_options": wanted.get("wallet_options"),
        "_line_items": line_items,
        "_shipping_name": wanted["shipping_options"][0]["shipping_rate_data"]["display_name"] if shipping else None,
        "_payment_intent_data": wanted.get("payment_intent_data", {}),
    }
    return act.books.insert(session)


def _customer(act: Act, wanted: dict[str, Any]) -> StripeObject | None:  # Any: checked parameters
    if "customer" not in wanted:
        return None
    if "customer_email" in wanted:
        raise BadParameter("You may only specify one of these parameters: customer, customer_email.", param="customer")
    customer = act.books.find("customer", wanted["customer"])
    if customer is None:
        raise no_such("customer", wanted["customer"], "customer", status=400)
    return customer


def _within_limits(total: int, currency: str) -> None:
    least = SMALLEST_AMOUNTS[currency]
    if total < least:
        sum_of_money = f"{least // 100}.{least % 100:02} {currency}"
        raise BadParameter(
            f"The Checkout Session's total amount due must add up to at least {sum_of_money}", code="amount_too_small", param="line_items"
        )
    if total > LARGEST_AMOUNT:
        message = f"The Checkout Session's total amount due must be no more than {LARGEST_AMOUNT} in the smallest currency unit."
        raise BadParameter(message, code="amount_too_large", param="line_items")


def _one_currency(wanted: dict[str, Any]) -> str:  # Any: checked parameters
    if not wanted["line_items"]:
        raise BadParameter("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currencies = {item["price_data"]["currency"] for item in wanted["line_items"]}
    currencies |= {option["shipping_rate_data"]["fixed_amount"]["currency"] for option in wanted.get("shipping_options", ())}
    if "currency" in wanted:
        currencies.add(wanted["currency"])
    if len(currencies) > 1:
        raise BadParameter("All prices in a Checkout Session must have the same currency.", param="line_items")
    currency: str = currencies.pop()
    return currency


def _line_item(item: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    price, product, quantity = item["price_data"], item["price_data"]["product_data"], item["quantity"]
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": item.get("metadata", {}),
        "price": {
            "id": new_id("price"),
            "object": "price",
            "active": False,
            "currency": price["currency"],
            "livemode": False,
            "metadata": {},
            "product": new_id("prod", 14),
            "recurring": None,
            "tax_behavior": price.get("tax_behavior", "unspecified"),
            "type": "one_time",
            "unit_amount": price["unit_amount"],
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": quantity,
    }


def _shipping(wanted: dict[str, Any], currency: str) -> StripeObject | None:  # Any: checked parameters
    """The first option offered: the pretend buyer never changes it, as on Stripe's page unless one does."""
    if not wanted.get("shipping_options"):
        return None
    amount = wanted["shipping_options"][0]["shipping_rate_data"]["fixed_amount"]["amount"]
    return {
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "shipping_rate": new_id("shr"),
    }


def _expiry(now: int, expires_at: int | None) -> int:
    if expires_at is None:
        return now + LONGEST_SECONDS
    if expires_at < now + SHORTEST_SECONDS:
        raise BadParameter("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at")
    if expires_at > now + LONGEST_SECONDS:
        raise BadParameter("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at")
    return expires_at


def _offered(allowed: list[str] | None, excluded: list[str] | None) -> list[str]:
    offered = [method for method in METHODS if (allowed is None or method in allowed) and method not in (excluded or ())]
    if not offered:
        message = f"No payment method types are available for this Checkout Session. The sandbox offers {', '.join(METHODS)}."
        raise BadParameter(message, param="allowed_payment_method_types" if allowed is not None else "excluded_payment_method_types")
    return offered


def retrieve(act: Act, identifier: str) -> StripeObject:
    """The session as it stands, expired if its time is over. Raises StripeError."""
    session = act.books.find("checkout.session", identifier)
    if session is None:
        raise no_such("checkout.session", identifier, "session")
    return lapse(act, session) if session["status"] == "open" and session["expires_at"] <= act.now else session


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Sessions, newest first."""
    expire_due(act)
    return find_page(act.books, "checkout.session", "/v1/checkout/sessions", wanted, "customer", "payment_intent", "status")


def expire(act: Act, identifier: str) -> StripeObject:
    """Close an open session at the shop's wish. Raises StripeError when it is no longer open."""
    session = retrieve(act, identifier)
    if session["status"] != "open":
        message = (
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of "{session["status"]}".'
        )
        raise StripeError(message)
    return lapse(act, session)


def expire_due(act: Act) -> None:
    """Expire every open session whose time is over."""
    statement = (
        "select id from object where kind = 'checkout.session' and json_extract(body, '$.status') = 'open'"
        " and json_extract(body, '$.expires_at') <= ? order by seq"
    )
    for row in act.books.run(statement, (act.now,)).fetchall():
        lapse(act, act.books.get("checkout.session", row["id"]))


def lapse(act: Act, session: StripeObject) -> StripeObject:
    """Make an open session expired, cancel its unfinished payment intent, and say so."""
    session = act.books.update(session | {"status": "expired", "url": None})
    if session["payment_intent"] is not None:
        intent = act.books.get("payment_intent", session["payment_intent"])
        intent |= {"status": "canceled", "canceled_at": act.now, "cancellation_reason": "expired", "next_action": None}
        emit(act, "payment_intent.canceled", act.books.update(intent))
    emit(act, "checkout.session.expired", session)
    return session
