"""`make conformance`: Stripe's own CLI triggers its scenarios against the stand-in.

A scenario passes only when the CLI exits 0, the event that it names was emitted, and a GET of
the event's object agrees with the event.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local.stripe.application import Settings
from local.stripe.identifiers import random_letters
from local.stripe.keys import KeyKind
from local.stripe.server import running

_CLI = Path(__file__).parents[2] / "node_modules" / ".bin" / "stripe"
# The families that the product lives by; the others may wait.
FAMILIES = (
    "charge.",
    "checkout.",
    "coupon.",
    "customer.",
    "invoice.",
    "invoiceitem.",
    "payment_intent.",
    "payment_method.",
    "plan.",
    "price.",
    "product.",
    "promotion_code.",
    "setup_intent.",
    "subscription.",
    "test_helpers.",
    "billing_portal.session.",
)
# What the CLI calls something else than the event that it makes.
_EVENT_OF = {
    "subscription.payment_succeeded": "invoice.payment_succeeded",
    "subscription.payment_failed": "invoice.payment_failed",
}
_PASSES_MIN = 66
# Some events come later by design (a clock that advances, a bank that answers).
_WAIT_SECONDS = 5.0
_CLI_SECONDS_MAX = 60
_PATHS = {
    "billing_portal.session": None,
    "card": "/v1/customers/{customer}/sources/{id}",
    "charge": "/v1/charges/{id}",
    "checkout.session": "/v1/checkout/sessions/{id}",
    "coupon": "/v1/coupons/{id}",
    "customer": "/v1/customers/{id}",
    "discount": "/v1/customers/{customer}/discount",
    "dispute": "/v1/disputes/{id}",
    "invoice": "/v1/invoices/{id}",
    "invoiceitem": "/v1/invoiceitems/{id}",
    "payment_intent": "/v1/payment_intents/{id}",
    "payment_method": "/v1/payment_methods/{id}",
    "plan": "/v1/plans/{id}",
    "price": "/v1/prices/{id}",
    "product": "/v1/products/{id}",
    "promotion_code": "/v1/promotion_codes/{id}",
    "refund": "/v1/refunds/{id}",
    "setup_intent": "/v1/setup_intents/{id}",
    "subscription": "/v1/subscriptions/{id}",
    "test_helpers.test_clock": "/v1/test_helpers/test_clocks/{id}",
}
# Fields that may go on after the event was written.
_MOVING = frozenset({"pending_webhooks", "webhooks_delivered_at"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one scenario ended; no reason is a pass."""

    scenario: str
    reason: str | None
    seconds: float


def scenarios() -> list[str]:
    """Every scenario of the installed CLI in the families that count."""
    listed = _cli(["trigger", "--help"], Path(tempfile.gettempdir())).stdout
    names = (line.strip() for line in listed.splitlines() if line.startswith("  "))
    return [name for name in names if name.startswith(FAMILIES) and " " not in name]


def judge(url: str, scenario: str, home: Path) -> Verdict:
    """Runs one scenario in an account of its own."""
    began = monotonic()
    key = f"{KeyKind.SECRET}_test_{random_letters(24)}"
    asked = ["trigger", scenario, "--api-key", key, "--api-base", url]
    result = _cli(asked, home)
    reason = None
    if result.returncode != 0:
        said = (result.stdout + result.stderr).strip().splitlines()
        reason = f"the CLI exits {result.returncode}: {said[-1] if said else ''}"
    else:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as api:
            reason = _check(api, _EVENT_OF.get(scenario, scenario))
    return Verdict(scenario, reason, monotonic() - began)


def judge_all(url: str, names: Iterable[str]) -> list[Verdict]:
    """Runs scenarios, two at a time."""
    home = Path(tempfile.mkdtemp(prefix="stripe-cli-"))
    try:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda name: judge(url, name, home), names))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _check(api: httpx.Client, event_type: str) -> str | None:
    """Waits for the event and compares its object with a GET."""
    end = monotonic() + _WAIT_SECONDS
    while True:
        events = api.get("/v1/events", params={"type": event_type}).json()["data"]
        if events:
            return _compare(api, events[0])
        if monotonic() > end:
            return "the event was not emitted"
        sleep(0.05)


def _compare(api: httpx.Client, event: dict[str, Any]) -> str | None:
    about = event["data"]["object"]
    path = _PATHS.get(about["object"])
    if about["object"] == "billing_portal.session":
        # Stripe has no GET for portal sessions; the event says all that there is.
        return None if about["url"] else "the session has no URL"
    if path is None:
        return f"no GET is known for {about['object']}"
    answer = api.get(path.format(**about))
    gone = event["type"].endswith(".deleted") and about["object"] != "subscription"
    if gone:
        deleted = answer.status_code == 404 or answer.json().get("deleted")  # noqa: PLR2004 - not found
        return None if deleted else "the object is still there"
    if answer.status_code != 200:  # noqa: PLR2004 - found
        return f"GET {path} answers {answer.status_code}"
    return _difference(api, event, answer.json())


def _difference(api: httpx.Client, event: dict[str, Any], now: dict[str, Any]) -> str | None:
    """The first field that no event about the object tells as it is now; None if there is none.

    A scenario may go on after the event that it is named for; then a later event tells.
    """
    told = event["data"]["object"]
    if now["id"] != told["id"]:
        return "another object"
    newer = {"ending_before": event["id"], "limit": 100}
    later = api.get("/v1/events", params=newer).json()["data"]
    tellings = [each["data"]["object"] for each in later]
    tellings = [told, *(each for each in tellings if each.get("id") == told["id"])]
    for field in told.keys() - _MOVING:
        if all(each.get(field) != now.get(field) for each in tellings):
            return f"{field} is {now.get(field)!r}, the event said {told[field]!r}"
    return None


def _cli(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
    }
    return subprocess.run(  # noqa: S603 - the CLI that package.json pins, with our own arguments
        [str(_CLI), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_CLI_SECONDS_MAX,
        check=False,
    )


def main() -> None:
    """Prints the whole table; exits 1 when fewer scenarios pass than must."""
    with running(Settings()) as url:
        verdicts = judge_all(url, scenarios())
    table = Table(title="Stripe's CLI against the stand-in", title_justify="left")
    table.add_column("scenario")
    table.add_column("verdict")
    table.add_column("seconds", justify="right")
    for verdict in verdicts:
        shown = "[green]pass[/]" if verdict.reason is None else f"[red]fail[/] {verdict.reason}"
        table.add_row(verdict.scenario, shown, f"{verdict.seconds:.1f}")
    passed = sum(verdict.reason is None for verdict in verdicts)
    console = Console()
    console.print(table)
    console.print(f"{passed} of {len(verdicts)} pass; {_PASSES_MIN} must.")
    sys.exit(passed < _PASSES_MIN)


if __name__ == "__main__":
    main()
