"""`make soak`: a weekend without webhooks, and workers that are killed under load; all is counted.

Long loads stand here and not in `make test`. Everything goes through the public interfaces; the
checks at the end read the tables.
"""

import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local.cloud import LocalCloud
from local.drill import at_a_rate
from local.shop import UNDECIDED, Shop

DIRECTORY = Path(".local/soak")
# Two events with a rule each: created and succeeded.
WEEKEND_PAYMENTS = 250
# Three events each, one of them of a type without a rule: 8 a second.
PAYMENTS_PER_SECOND = 8 / 3
KILL_EVERY_SECONDS = 3.0
KILLED_BUSY_MIN = 10
KILLED = ("apply_event", "receive_webhook", "payments_api", "publish_changes", "run_operation")
_AT_ONCE = 8
_SETTLE_SECONDS = 300.0
_CREATED = 201
# A killed API holds the key for as long as it could have run (28 s): 409 until then.
_REPEATS_MAX = 90


@dataclass
class Soak:
    """Stories over a running cloud; what did not hold is a sentence in `broken`."""

    cloud: LocalCloud
    shop: Shop
    facts: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def check(self, sentence: str, *, holds: bool) -> None:
        """A fact that must be so."""
        if not holds:
            self.broken.append(sentence)

    # --- a weekend without webhooks ---------------------------------------------------------------

    def a_silent_weekend(self, *, payments: int) -> None:
        """Stripe attempts no delivery; the silence is noticed, and a sweep finds all of it."""
        shop = self.shop
        self._reconcile()
        before = [self._timed_buy() for _ in range(20)]
        self._settled([payment_id for payment_id, _ in before])
        began = datetime.now(UTC).isoformat()
        shop.control("POST", "deliveries", {"drop": 1})
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            missed = [one for one, _ in pool.map(lambda _: self._timed_buy(), range(payments))]
        shop.control("POST", "deliveries", {})
        self.check("a payment was paid without an event", holds=self._unpaid(missed) == set(missed))
        versions = {one: self._row(one)["version"] for one in missed}
        swept_from = time.monotonic()
        during: list[tuple[str, float]] = []
        while not self._is_silent() or self._unpaid(missed):
            during += [self._timed_buy() for _ in range(2)]
            self._reconcile()
            if time.monotonic() - swept_from > _SETTLE_SECONDS:
                self.broken.append("the weekend was not made up for in time")
                return
        self.facts["events of the weekend"] = str(2 * payments)
        self.facts["silence alarm"] = "ALARM"
        self.facts["all of it applied"] = f"{time.monotonic() - swept_from:.0f} s after the sweep"
        self.facts["POST /payments before, p50"] = _milliseconds(before)
        self.facts["POST /payments during the sweep, p50"] = _milliseconds(during)
        self._settled([payment_id for payment_id, _ in during])
        twice = [one for one in missed if self._row(one)["version"] != versions[one] + 1]
        self.check(f"{len(twice)} payments were not applied exactly once", holds=not twice)
        report = self._verify(began)
        self.facts["compared with Stripe"] = ", ".join(
            f"{count} {kind}" for kind, count in report["looked_at"].items()
        )
        self.check(f"our books differ: {report['drifts'][:3]}", holds=not report["drifts"])

    def _is_silent(self) -> bool:
        self.cloud.evaluate_alarms()
        name = f"paidonce-{self.cloud.stage}-silence"
        alarms = self.shop.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return bool(alarms[0]["StateValue"] == "ALARM")

    def _reconcile(self) -> None:
        answer = self.shop.client("lambda").invoke(
            FunctionName=f"paidonce-{self.cloud.stage}-reconcile:live"
        )
        said = answer["Payload"].read()
        self.check(f"reconcile failed: {said!r}", holds="FunctionError" not in answer)

    # --- workers that are killed ------------------------------------------------------------------

    def killed_workers(self, *, seconds: float) -> None:
        """One worker is killed every three seconds, in the middle of its work where one works."""
        shop, began = self.shop, datetime.now(UTC).isoformat()
        dead = shop.queue_depth("EventsDeadLetterQueueUrl")
        kills: Counter[str] = Counter()
        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(self._kill, seconds, kills)
            bought = at_a_rate(
                lambda: self._timed_buy()[0], per_second=PAYMENTS_PER_SECOND, seconds=seconds
            )
            killing.result()
        self._settled(bought)
        self.facts["payments under kills"] = str(len(bought))
        busy, idle = kills["busy"], kills["idle"]
        self.facts["workers killed"] = f"{busy} in the middle of an invocation, {idle} idle"
        self.check("too few were killed in the middle", holds=busy >= KILLED_BUSY_MIN)
        unpaid = self._unpaid(bought)
        self.check(f"{len(unpaid)} payments were lost", holds=not unpaid)
        self.check("a payment was made twice", holds=len(set(bought)) == len(bought))
        buried = shop.queue_depth("EventsDeadLetterQueueUrl") - dead
        self.check(f"{buried} events are in the dead letters", holds=buried == 0)
        report = self._verify(began)
        self.check(f"our books differ: {report['drifts'][:3]}", holds=not report["drifts"])
        twice = [row for row in report["money"] if row["ours"] != row["stripes"]]
        self.check(f"money differs: {twice}", holds=not twice)

    def _kill(self, seconds: float, kills: Counter[str]) -> None:
        """In turn over the functions; an idle one where, for a second, none was busy."""
        end = time.monotonic() + seconds
        number = 0
        while (now := time.monotonic()) < end:
            function = KILLED[number % len(KILLED)]
            number += 1
            killed: list[int] = []
            while not killed and time.monotonic() < now + 1:
                killed = self.cloud.kill_worker(function, busy_only=True)
                time.sleep(0 if killed else 0.01)
            kills["busy"] += len(killed)
            if not killed:
                kills["idle"] += len(self.cloud.kill_worker(function))
            time.sleep(max(0.0, now + KILL_EVERY_SECONDS - time.monotonic()))

    # --- what both need ---------------------------------------------------------------------------

    def _timed_buy(self) -> tuple[str, float]:
        """One payment up to the shopper's part, and how long POST /payments took.

        A shop's page sends again what had no usable answer, with the same key.
        """
        order_id, key = f"order-{secrets.token_hex(6)}", secrets.token_hex(8)
        for _ in range(_REPEATS_MAX):
            began = time.monotonic()
            try:
                answer = self.shop.post_payment(order_id=order_id, key=key)
            except httpx.TransportError:
                continue
            if answer.status_code in (200, _CREATED):
                took = time.monotonic() - began
                payment: dict[str, Any] = answer.json()["payment"]
                self.shop.confirm(payment["payment_intent_id"])
                return str(payment["id"]), took
            # Killed in the middle, or somebody else's try is not over: a shopper waits a moment.
            time.sleep(0.5)
        raise RuntimeError(f"{order_id} had no answer in {_REPEATS_MAX} tries")

    def _row(self, payment_id: str) -> dict[str, Any]:
        table = self.shop.table("PaymentsTableName")
        row: dict[str, Any] = table.get_item(Key={"id": payment_id})["Item"]
        return row

    def _unpaid(self, payment_ids: list[str]) -> set[str]:
        rows = self.shop.rows("PaymentsTableName")
        return set(payment_ids) - {row["id"] for row in rows if row.get("status") == "paid"}

    def _settled(self, payment_ids: list[str]) -> None:
        """Each is paid, and no row of the ledger is undecided."""
        shop = self.shop
        shop.until(
            lambda: not self._unpaid(payment_ids), what="each is paid", seconds=_SETTLE_SECONDS
        )
        shop.until(
            lambda: not any(r["outcome"] in UNDECIDED for r in shop.rows("EventsTableName")),
            what="each event is decided",
            seconds=_SETTLE_SECONDS,
        )

    def _verify(self, since: str) -> dict[str, Any]:
        """The operator's own command."""
        place = ["--endpoints", str(self.cloud.directory / "endpoints.json")]
        command = [sys.executable, "-m", "ops", *place, "verify", "--since", since, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command, no shell
        self.check(f"verify: {done.stderr}", holds=done.returncode in (0, 3))
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _milliseconds(timed: list[tuple[str, float]]) -> str:
    return f"{quantiles([took for _, took in timed], n=2)[0] * 1000:.0f} ms"


def main() -> int:
    """Start, deploy, soak, stop; 0 only when all held."""
    console = Console()
    with LocalCloud(DIRECTORY, console=console) as cloud:
        cloud.deploy()
        soak = Soak(cloud, Shop(cloud.endpoints))
        with console.status("a weekend without webhooks …"):
            soak.a_silent_weekend(payments=WEEKEND_PAYMENTS)
        with console.status("60 s of payments while workers are killed …"):
            soak.killed_workers(seconds=60)
    shown = Table("", "", title="The soak", title_justify="left", show_header=False)
    for fact, value in soak.facts.items():
        shown.add_row(fact, value)
    console.print(shown)
    for sentence in soak.broken:
        console.print(f"[red]did not hold:[/] {sentence}", highlight=False)
    if not soak.broken:
        console.print("[green]Nothing lost, nothing twice.[/]")
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
