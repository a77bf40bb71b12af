"""`flask seed demo`: the demo county, for looking, trying and testing; never in production."""

from collections.abc import Callable
from importlib import import_module

import click
from flask import current_app
from flask.cli import with_appcontext

from shop.kit.clock import utc_now


@click.group()
def seed() -> None:
    """Fill the shop with something to look at."""


@seed.command()
@with_appcontext
def demo() -> None:
    """Load the demo county: villages, cooperatives, goods, lots, accounts and a season of sales. Safe to repeat."""
    if not current_app.config["SHOP"].is_demo:
        raise click.ClickException("演示数据不进正式环境：SHOP_ENV=production 时不装载。")
    # By name, since production must never import the demo county (ARCHITECTURE), not even along with its refusal.
    tell: Callable[..., object] = import_module("shop.demo.seed").tell
    tell(now=utc_now(), say=click.echo)
    click.echo("演示县已就绪。")
