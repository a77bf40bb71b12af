"""How passwords are kept."""

import runpy

from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from config import ROOT
from shop.accounts.passwords import hash_password, matches, needs_rehash


def test_in_life_a_hash_is_as_slow_as_the_standard_asks() -> None:
    in_life = runpy.run_path(str(ROOT / "shop" / "accounts" / "passwords.py"))  # conftest gave the tests a quick hasher
    kept = in_life["hash_password"]("shanhai-demo")
    assert extract_parameters(kept) == RFC_9106_LOW_MEMORY
    assert needs_rehash(kept), "the tests' own hasher is another"


def test_a_password_matches_its_own_hash_and_nobody_has_none() -> None:
    kept = hash_password("shanhai-demo")
    assert matches(kept, "shanhai-demo")
    assert not matches(kept, "shanhai-demO")
    assert not matches(None, "nobody has this password")
