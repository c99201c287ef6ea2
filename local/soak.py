"""`make soak`: a crowd of events, workers killed under load, a weekend without webhooks.

Long loads stand here and not in `make test`. Everything goes through the public interfaces; the
checks at the end read the tables.
"""

import io
import json
import secrets
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local import crowd
from local.cloud import LocalCloud
from local.drill import at_a_rate
from local.shop import UNDECIDED, Shop

DIRECTORY = Path(".local/soak")
# Two events with a rule each: created and succeeded.
WEEKEND_PAYMENTS = 250
_WEEKEND_SECONDS = 3 * 86_400
# Three events each, one of them of a type without a rule: 8 a second.
PAYMENTS_PER_SECOND = 8 / 3
KILL_EVERY_SECONDS = 3.0
KILLED_BUSY_MIN = 10
KILLED = ("apply_event", "receive_webhook", "payments_api", "publish_changes", "run_operation")
_AT_ONCE = 8
_SETTLE_SECONDS = 300.0
CROWD_EVENTS = 5000
_CROWD_SECONDS = 1800.0
_EMPTY_INVOCATIONS = 500
_CREATED = 201
# A killed API holds the key for as long as it could have run (28 s): 409 until then.
_REPEATS_MAX = 90


@dataclass(frozen=True, kw_only=True)
class Bought:
    """One payment up to the shopper's part, as POST /payments answered it in so many seconds."""

    payment_id: str
    version: int
    seconds: float


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
        """Nothing is delivered for three days; the silence is noticed, and sweeps find all of it.

        Of half of it Stripe attempts no delivery. The other half is three days late, and comes
        twice while the sweep finds the same: with the clock Stripe's own attempts would have ended.
        """
        shop, began = self.shop, datetime.now(UTC).isoformat()
        dead = shop.queue_depth("EventsDeadLetterQueueUrl")
        before = self._buy_some(20, at_once=1)
        self._settled(before)
        # The next window is of the weekend alone: the silence is that nothing at all arrived.
        settled_at = time.time()
        self._sweep_until(lambda: self._swept_to() >= settled_at, "what was before is swept")
        shop.control("POST", "deliveries", {"drop": 1})
        missed = self._buy_some(payments // 2)
        self._sweep_until(self._is_silent, "the silence is noticed")
        self.facts["silence alarm"] = "ALARM while the endpoint is off"
        shop.control("POST", "deliveries", {"hold": True})
        missed += self._buy_some(payments - len(missed))
        ended_at = time.time()
        shop.control("POST", "clock/advance", {"seconds": _WEEKEND_SECONDS})
        shop.control("POST", "deliveries", {})
        shop.control("POST", "deliveries/release", {"order": "reverse", "copies": 2})
        swept_from = time.monotonic()
        during: list[Bought] = []
        with ThreadPoolExecutor(1) as pool:
            sweeping = pool.submit(
                self._sweep_until,
                lambda: self._swept_to() >= ended_at and not self._unpaid(missed),
                "the weekend is made up for",
            )
            while not sweeping.done():
                during += self._buy_some(1)
            sweeping.result()
        self.facts["events of the weekend"] = str(2 * payments)
        self.facts["all of it applied"] = f"{time.monotonic() - swept_from:.0f} s after it"
        self.facts["POST /payments before, p50"] = _milliseconds(before)
        self.facts["POST /payments during the sweep, p50"] = _milliseconds(during)
        self._settled(missed + during)
        rows = {row["id"]: row for row in shop.rows("PaymentsTableName")}
        twice = [one for one in missed if rows[one.payment_id]["version"] != one.version + 1]
        self.check(f"{len(twice)} payments were not applied exactly once", holds=not twice)
        self._check_books("the weekend", began, dead)

    def _sweep_until(self, condition: Callable[[], bool], what: str) -> None:
        """Runs of reconcile, until it has seen to this."""

        def seen_to() -> bool:
            self._reconcile()
            return condition()

        self.shop.until(seen_to, what=what, seconds=_SETTLE_SECONDS)

    def _swept_to(self) -> float:
        """How far the list of events was looked through wholly, in seconds since 1970."""
        found = self.shop.table("PaymentsTableName").get_item(Key={"id": "sweep#recent"})
        sweep: dict[str, Any] = found.get("Item", {})
        return float(sweep["window_to"]) if "completed_at" in sweep else 0.0

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

    # --- a crowd of events ------------------------------------------------------------------------

    def a_crowd(self, *, events: int) -> None:
        """Mixed types in random order, a fifth of them twice; and what the emulator itself can."""
        shop, began = self.shop, datetime.now(UTC).isoformat()
        dead = shop.queue_depth("EventsDeadLetterQueueUrl")
        brought = crowd.bring(shop, events=events, seed=events, seconds_max=_CROWD_SECONDS)
        self.facts["events in random order"] = (
            f"{len(brought.events)} in {brought.deliveries} deliveries"
        )
        decided, empty = len(brought.events) / brought.seconds, self._empty_invocations()
        self.facts["decided"] = f"{decided:.1f} a second"
        self.facts["an empty function"] = (
            f"{empty:.1f} invocations a second, {empty / decided:.1f} times as many"
        )
        self._check_books("the crowd", began, dead)

    def _empty_invocations(self) -> float:
        """How many a second the embedded AWS itself manages of a function that does nothing."""
        client, name = self.shop.client("lambda"), f"empty-{secrets.token_hex(4)}"
        like = client.get_function_configuration(
            FunctionName=f"paidonce-{self.cloud.stage}-apply-event"
        )
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("empty.py", "def handle(event, context):\n    return None\n")
        client.create_function(
            FunctionName=name,
            Runtime=like["Runtime"],
            Role=like["Role"],
            Handler="empty.handle",
            Code={"ZipFile": code.getvalue()},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        try:
            began = time.monotonic()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(
                    pool.map(
                        lambda _: client.invoke(FunctionName=name, Payload=b"{}"),
                        range(_EMPTY_INVOCATIONS),
                    )
                )
            return _EMPTY_INVOCATIONS / (time.monotonic() - began)
        finally:
            client.delete_function(FunctionName=name)

    # --- workers that are killed ------------------------------------------------------------------

    def killed_workers(self, *, seconds: float) -> None:
        """One worker is killed every three seconds, in the middle of its work where one works."""
        shop, began = self.shop, datetime.now(UTC).isoformat()
        dead = shop.queue_depth("EventsDeadLetterQueueUrl")
        kills: Counter[str] = Counter()
        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(self._kill, seconds, kills)
            bought: list[Bought] = at_a_rate(
                self._buy, per_second=PAYMENTS_PER_SECOND, seconds=seconds
            )
            killing.result()
        self._settled(bought)
        self.facts["payments under kills"] = str(len(bought))
        busy, idle = kills["busy"], kills["idle"]
        self.facts["workers killed"] = f"{busy} in the middle of an invocation, {idle} idle"
        self.check("too few were killed in the middle", holds=busy >= KILLED_BUSY_MIN)
        unpaid = self._unpaid(bought)
        self.check(f"{len(unpaid)} payments were lost", holds=not unpaid)
        self.check(
            "a payment was made twice", holds=len({b.payment_id for b in bought}) == len(bought)
        )
        self._check_books("the killed workers", began, dead)

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

    def _buy_some(self, payments: int, *, at_once: int = _AT_ONCE) -> list[Bought]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda _: self._buy(), range(payments)))

    def _buy(self) -> Bought:
        """A shop's page sends again what had no usable answer, with the same key."""
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
                return Bought(payment_id=payment["id"], version=payment["version"], seconds=took)
            # Killed in the middle, or somebody else's try is not over: a shopper waits a moment.
            time.sleep(0.5)
        raise RuntimeError(f"{order_id} had no answer in {_REPEATS_MAX} tries")

    def _unpaid(self, bought: Sequence[Bought]) -> set[str]:
        rows = self.shop.rows("PaymentsTableName")
        paid = {row["id"] for row in rows if row.get("status") == "paid"}
        return {one.payment_id for one in bought} - paid

    def _settled(self, bought: Sequence[Bought]) -> None:
        """Each is paid, nothing is on its way, and no row of the ledger is undecided."""
        shop = self.shop
        shop.until(
            # What a killed worker had in hand is hidden in its queue for a minute.
            lambda: (
                not shop.control("GET", "deliveries")["pending"]
                and not shop.queue_depth("EventsQueueUrl")
            ),
            what="nothing is on its way",
            seconds=_SETTLE_SECONDS,
        )
        shop.until(lambda: not self._unpaid(bought), what="each is paid", seconds=_SETTLE_SECONDS)
        shop.until(
            lambda: not any(r["outcome"] in UNDECIDED for r in shop.rows("EventsTableName")),
            what="each event is decided",
            seconds=_SETTLE_SECONDS,
        )

    def _check_books(self, story: str, began: str, dead: int) -> None:
        """No further dead letter, and our books since then are Stripe's."""
        buried = self.shop.queue_depth("EventsDeadLetterQueueUrl") - dead
        self.check(f"{story}: {buried} events are in the dead letters", holds=buried == 0)
        report = self._verify(began)
        drifts = report["drifts"]
        self.check(f"{story}: our books differ: {drifts[:3]}", holds=not drifts)
        differing = [row for row in report["money"] if row["ours"] != row["stripes"]]
        self.check(f"{story}: money differs: {differing}", holds=not differing)

    def _verify(self, since: str) -> dict[str, Any]:
        """The operator's own command."""
        place = ["--endpoints", str(self.cloud.directory / "endpoints.json")]
        command = [sys.executable, "-m", "ops", *place, "verify", "--since", since, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command, no shell
        self.check(f"verify: {done.stderr}", holds=done.returncode in (0, 3))
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def _milliseconds(bought: Sequence[Bought]) -> str:
    return f"{median(one.seconds for one in bought) * 1000:.0f} ms"


def main() -> int:
    """Start, deploy, soak, stop; 0 only when all held."""
    console = Console()
    with LocalCloud(DIRECTORY, console=console) as cloud:
        cloud.deploy()
        soak = Soak(cloud, Shop(cloud.endpoints))
        with console.status(f"{CROWD_EVENTS} events of mixed types in random order …"):
            soak.a_crowd(events=CROWD_EVENTS)
        with console.status("60 s of payments while workers are killed …"):
            soak.killed_workers(seconds=60)
        # Last: what is made after it lies in our future.
        with console.status("a weekend without webhooks …"):
            soak.a_silent_weekend(payments=WEEKEND_PAYMENTS)
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
