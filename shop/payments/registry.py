"""Which providers this shop takes money through: one line each."""

from flask import Flask, current_app

from config import Config
from shop.payments.provider import KeepsAccount, Provider
from shop.payments.stripe.gateway import StripeGateway
from shop.payments.transfer.gateway import TransferGateway


def install_providers(app: Flask, config: Config) -> None:
    """Make the providers that the settings name, once per app; their connections are kept open."""
    app.extensions["payment_providers"] = {
        "stripe": StripeGateway(config.stripe_secret_key, api_base=config.stripe_api_base),
        "transfer": TransferGateway(),
    }


def provider_named(name: str) -> Provider:
    """The provider of a payment's row."""
    providers: dict[str, Provider] = current_app.extensions["payment_providers"]
    return providers[name]


def account_keepers() -> list[KeepsAccount]:
    """The providers that gather our money and pay it out, by name."""
    providers: dict[str, Provider] = current_app.extensions["payment_providers"]
    return [provider for _name, provider in sorted(providers.items()) if isinstance(provider, KeepsAccount)]


def account_keeper(name: str) -> KeepsAccount:
    """One of them, which must exist."""
    return next(keeper for keeper in account_keepers() if keeper.name == name)
