"""`python -m bench.chaos --orders 200 --seed 622`: orders with random faults and kills, and the proof that nothing is lost.

Exit code 1, with the seed, when the books are not sound, differ from the provider's, a buyer was told "paid" without a paid order, or somebody
unfilled stays charged.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog

from tests.chaos import Tally, play
from tests.database import SERVER_VARIABLE, TestDatabase, postgresql_server
from tests.sandboxes import running_sandbox


def main() -> None:
    """Play on the databases asked for; print what happened."""
    arguments = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    arguments.add_argument("--orders", type=int, default=200, help="orders on each database")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="what is random comes from it")
    arguments.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    given = arguments.parse_args()
    print(f"seed {given.seed}, {given.orders} orders", flush=True)
    for kind in ("sqlite", "postgresql") if given.database == "both" else (given.database,):
        began = time.monotonic()
        try:
            tally = chaos_on(kind, given.orders, given.seed)
        except AssertionError as error:
            traceback.print_exception(error)
            print(f"{kind}: lost with seed {given.seed}")
            sys.exit(1)
        print(f"\n{kind}: nothing is lost, {time.monotonic() - began:.0f} s")
        for what, times in sorted(tally.happened.items()):
            print(f"  {what:32s} {times:6d}")
        print(f"  {'told paid':32s} {len(tally.told_paid):6d}", flush=True)


def chaos_on(kind: str, orders: int, seed: int) -> Tally:
    """Play on a new database of that kind. Raises AssertionError when something is lost."""
    with ExitStack() as opened:
        if kind == "postgresql":
            os.environ[SERVER_VARIABLE] = opened.enter_context(postgresql_server())
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="chaos")))
        database = TestDatabase(kind, folder, "chaos")
        database.renew()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # troubles are what this is about
        sandbox = opened.enter_context(running_sandbox())
        with database.app.app_context():
            database.app.extensions["payment_providers"] = {"stripe": sandbox.gateway}
            tally = play(database.app, sandbox, database=database.url(), orders=orders, seed=seed, now=datetime.now(UTC))
            database.close()
        return tally


if __name__ == "__main__":
    main()
