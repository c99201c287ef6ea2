"""`make drill`: secrets rotate while payments are taken, and forged webhooks come; all is counted.

4 payments a second with their webhooks for 60 s, while the signing secret rotates twice and the
payments key once; then forged webhooks at 30 a second beside genuine ones at 5, for 30 s.
"""

import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import stripe
from rich.console import Console
from rich.table import Table

from local.cloud import LocalCloud
from local.rotating import Rotating
from local.shop import UNDECIDED, Shop
from local.signing import event_types

# In flight at once: more only wait for the embedded AWS on two cores.
_AT_ONCE = 16
# Stripe's own schedule takes hours; these are its first steps on a drill's scale.
_RETRY_SECONDS = (1, 2, 4, 8, 16)
_SETTLE_SECONDS = 180.0
_OK = 200
_CREATED = 201
_ACCEPTED = 202
_FIRST_REFUSAL = 400
_FIRST_FAILURE = 500
_SLOW_DOWN = 429
_REPEATS_MAX = 10
_WARM = 8
_REPEAT_SECONDS = 1.0


def at_a_rate(work: Callable[[], Any], *, per_second: float, seconds: float) -> list[Any]:
    """Begin the work so often for so long, however long each takes; answers what they gave."""
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        started = []
        for number in range(round(per_second * seconds)):
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            started.append(pool.submit(work))
        return [one.result() for one in started]


@dataclass
class Counted:
    """What was asked and answered; what did not hold is a sentence in `broken`."""

    api: Counter[int | None] = field(default_factory=Counter)
    webhooks: Counter[int | None] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    redeliveries: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def check(self, sentence: str, *, holds: bool) -> None:
        """A fact that must be so."""
        if not holds:
            self.broken.append(sentence)


@dataclass
class Drill:
    """The secrets of a running cloud rotate under load."""

    cloud: LocalCloud
    shop: Shop
    counted: Counted = field(default_factory=Counted)

    def rotates_under_load(self, *, per_second: float, seconds: float, rotations: int) -> None:
        """Payments all the time; the signing secret rotates, the payments key, and again."""
        shop, counted = self.shop, self.counted
        shop.control("POST", "deliveries", {"retry_seconds": list(_RETRY_SECONDS)})
        rotating = Rotating(shop)
        self._warm_up()
        attempts, events = self._attempts(), self._events()
        dead = shop.queue_depth("EventsDeadLetterQueueUrl")
        began = time.monotonic()
        with ThreadPoolExecutor(1) as operator:
            rotated = operator.submit(self._rotate, rotating, rotations)
            payments = at_a_rate(self._buy, per_second=per_second, seconds=seconds)
            # What the load did not last for goes on without it: all of it has to happen.
            rotated.result()
        taken = [one for one in payments if one]
        if counted.refusals:
            counted.facts["API said first"] = _shown(counted.refusals)
        counted.facts["payments taken"] = f"{len(taken)} in {time.monotonic() - began:.0f} s"
        counted.check("a payment failed", holds=len(taken) == round(per_second * seconds))
        self._all_paid(taken)
        self._all_applied(but=events)
        self._count_webhooks(attempts)
        dead = shop.queue_depth("EventsDeadLetterQueueUrl") - dead
        counted.facts["dead letters"] = str(dead)
        counted.check("an event is in the dead letters", holds=dead == 0)
        rotating.retire()
        standing = rotating.at_stripe()
        counted.facts["endpoints at the end"] = str(len(standing))
        counted.check("an old endpoint is left", holds=len(standing) == 1)
        for old in rotating.replaced:
            counted.check(
                "a retired secret is still accepted",
                holds=rotating.is_refused_soon(old["secret"]),
            )

    def _warm_up(self) -> None:
        """Some payments at once: a stage that is in use has its containers."""
        with ThreadPoolExecutor(_WARM) as pool:
            taken = list(pool.map(lambda _: self._buy(), range(_WARM)))
        self._all_paid([one for one in taken if one])
        self.counted.api.clear()
        self.counted.refusals.clear()

    def _rotate(self, rotating: Rotating, rotations: int) -> None:
        for number in range(rotations):
            took = rotating.rotate_signing()
            self.counted.facts[f"signing rotation {number + 1}"] = f"{took:.1f} s"
            if number == 0:
                took = rotating.rotate_key("PaymentsKeyArn")
                self.counted.facts["payments key rotation"] = f"{took:.1f} s"
        began = time.monotonic()
        rotating.retire()
        self.counted.facts["old endpoints retired"] = f"{time.monotonic() - began:.1f} s later"

    def _buy(self) -> str | None:
        """One payment up to the shopper's part; None when it failed.

        A shop's page sends a request again with its key when there was no answer, when it is being
        processed (202, 409 in progress) and when the stage is busy (5xx, 429); any other answer
        than 201 is a payment that failed.
        """
        order_id, key = f"order-{secrets.token_hex(6)}", secrets.token_hex(8)
        for _ in range(_REPEATS_MAX):
            try:
                answer = self.shop.post_payment(order_id=order_id, key=key)
            except httpx.TransportError:
                self.counted.api[None] += 1
                time.sleep(_REPEAT_SECONDS)
                continue
            self.counted.api[answer.status_code] += 1
            if answer.status_code == _CREATED:
                payment = answer.json()["payment"]
                self.shop.confirm(payment["payment_intent_id"])
                return str(payment["id"])
            if answer.status_code >= _FIRST_REFUSAL:
                self.counted.refusals[_code(answer)] += 1
            if not _is_worth_a_repeat(answer):
                return None
            time.sleep(_REPEAT_SECONDS)
        return None

    def _all_paid(self, payment_ids: list[str]) -> None:
        def unpaid() -> set[str]:
            rows = self.shop.rows("PaymentsTableName")
            return set(payment_ids) - {one["id"] for one in rows if one.get("status") == "paid"}

        self.shop.until(lambda: not unpaid(), what="each is paid", seconds=_SETTLE_SECONDS)
        self.counted.facts["payments paid"] = str(len(payment_ids))

    def _events(self) -> set[str]:
        """Every event at Stripe that has a rule."""
        events = self.shop.stripe.v1.events.list({"limit": 100}).auto_paging_iter()
        with_rules = set(event_types())
        return {one.id for one in events if one.type in with_rules}

    def _all_applied(self, *, but: set[str]) -> None:
        """Each event since then is decided; its key in the ledger makes that once."""

        def undecided() -> set[str]:
            wanted = self._events() - but
            rows = {row["event_id"]: row["outcome"] for row in self.shop.rows("EventsTableName")}
            self.counted.facts["events applied once"] = (
                f"{len(wanted & rows.keys())} of {len(wanted)}"
            )
            return {one for one in wanted if rows.get(one, UNDECIDED[0]) in UNDECIDED}

        self.shop.until(lambda: not undecided(), what="each is decided", seconds=_SETTLE_SECONDS)

    def _attempts(self) -> int:
        return len(self.shop.control("GET", "deliveries")["data"])

    def _count_webhooks(self, before: int) -> None:
        """Attempts of this drill alone; an event that no endpoint ever got was refused for good."""
        self.shop.until(
            lambda: not self.shop.control("GET", "deliveries")["pending"],
            what="no delivery is to come",
            seconds=_SETTLE_SECONDS,
        )
        attempts: list[Mapping[str, Any]] = self.shop.control("GET", "deliveries")["data"][before:]
        self.counted.webhooks.update(one["status"] for one in attempts)
        self.counted.redeliveries = sum(one["attempt"] > 1 for one in attempts)
        accepted = [one["event"] for one in attempts if one["status"] == _OK]
        lost = {one["event"] for one in attempts} - set(accepted)
        self.counted.facts["webhooks refused for good"] = str(len(lost))
        self.counted.facts["copies absorbed"] = str(len(accepted) - len(set(accepted)))
        self.counted.check("a webhook was refused for good", holds=not lost)

    # --- forged webhooks --------------------------------------------------------------------------

    def stands_forged_traffic(
        self, *, forged_per_second: float, genuine_per_second: float, seconds: float
    ) -> None:
        """Nobody's signatures cost the genuine ones nothing, and Secrets Manager little."""
        secret = Rotating(self.shop).document["endpoints"][0]["secret"]
        # So that those which live afterwards are those which read.
        self.cloud.kill_worker("receive_webhook")
        before, began = self._secret_reads(), time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            forged = pool.submit(
                at_a_rate,
                lambda: self._deliver("whsec_" + secrets.token_hex(16)),
                per_second=forged_per_second,
                seconds=seconds,
            )
            genuine = pool.submit(
                at_a_rate,
                lambda: self._deliver(secret),
                per_second=genuine_per_second,
                seconds=seconds,
            )
            refused, accepted = Counter(forged.result()), Counter(genuine.result())
        reads = self._secret_reads() - before
        containers = sum("receive-webhook" in one["function"] for one in self.cloud.workers())
        # On a busy machine it lasts longer than it should.
        took = time.monotonic() - began
        limit = self.secret_reads_max(took, containers=containers)
        facts, check = self.counted.facts, self.counted.check
        facts["genuine webhooks"] = _shown(accepted)
        facts["forged webhooks"] = _shown(refused)
        facts["reads of secrets meanwhile"] = f"{reads}, limit {limit} ({containers} containers)"
        check("a genuine webhook was not accepted", holds=set(accepted) == {_OK})
        check("a forged webhook was not refused", holds=set(refused) == {400})
        check("forged webhooks became traffic to Secrets Manager", holds=reads <= limit)

    def secret_reads_max(self, seconds: float, *, containers: int) -> int:
        """What the receiver's containers may read in this time, however much is forged.

        Each one refreshes at most once in `secret_refresh_seconds`, two reads; reads AWSCURRENT
        again after `secret_cache_seconds`; and begins with one of each.
        """
        receiver = self.cloud.settings.receiver
        refreshes = seconds / receiver.secret_refresh_seconds + 1
        again = seconds / receiver.secret_cache_seconds + 1
        return round(containers * (2 * refreshes + again))

    def _secret_reads(self) -> int:
        return self.cloud.calls().get("secretsmanager.GetSecretValue", 0)

    def _deliver(self, secret: str) -> int | None:
        event = f'{{"id": "evt_drill_{secrets.token_hex(8)}", "type": "drill", "created": 1,'
        body = event + ' "livemode": false}'
        signed = stripe.WebhookSignature.generate_signature_header(body, secret)
        try:
            return self.shop.deliver(body.encode(), signed).status_code
        except httpx.HTTPError:
            return None


def _is_worth_a_repeat(answer: httpx.Response) -> bool:
    """As docs/api.md tells a caller: with the same key these end well."""
    return (
        answer.status_code in {_ACCEPTED, _SLOW_DOWN}
        or answer.status_code >= _FIRST_FAILURE
        or _code(answer) == "idempotency_in_progress"
    )


def _code(answer: httpx.Response) -> str:
    """Our own word for a refusal, or the status of one that is API Gateway's."""
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"


def _shown(statuses: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in statuses.items())


def table(counted: Counted) -> Table:
    """All that was counted."""
    shown = Table(title="The drill", title_justify="left")
    for column in ("", "requests", "2xx", "4xx", "5xx", "no answer"):
        shown.add_column(column, justify="left" if not column else "right")
    for name, statuses in (("API", counted.api), ("webhooks", counted.webhooks)):
        of_class: Counter[int | None] = Counter()
        for status, count in dict[Any, int](statuses).items():
            of_class[None if status is None else status // 100] += count
        cells = [of_class[kind] for kind in (2, 4, 5, None)]
        shown.add_row(name, str(sum(statuses.values())), *map(str, cells))
    shown.add_section()
    shown.add_row("redeliveries", str(counted.redeliveries))
    for fact, value in counted.facts.items():
        shown.add_row(fact, value)
    return shown


def main() -> int:
    """Start, deploy, drill, stop; 0 only when all held."""
    console = Console()
    with LocalCloud(Path(".local/drill"), console=console) as cloud:
        cloud.deploy()
        drill = Drill(cloud, Shop(cloud.endpoints))
        with console.status("60 s of payments while secrets rotate …"):
            drill.rotates_under_load(per_second=4, seconds=60, rotations=2)
        with console.status("30 s of forged webhooks …"):
            drill.stands_forged_traffic(forged_per_second=30, genuine_per_second=5, seconds=30)
    console.print(table(drill.counted))
    for sentence in drill.counted.broken:
        console.print(f"[red]did not hold:[/] {sentence}", highlight=False)
    if not drill.counted.broken:
        console.print("[green]No webhook refused for good, no payment failed, all applied once.[/]")
    return 1 if drill.counted.broken else 0


if __name__ == "__main__":
    sys.exit(main())
