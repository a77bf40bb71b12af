"""Which providers this shop takes money through."""

from flask import Flask

from config import Config


def install_providers(app: Flask, config: Config) -> None:
    """Make the providers that the settings name."""
