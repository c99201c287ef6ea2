"""The story that `make demo` tells: each step uses Paid Once from outside and checks it."""

import secrets
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles

import stripe
from rich.console import Console
from rich.table import Table

from local.cloud import LocalCloud
from local.shop import NeverHappened, Shop

BURST_PAYMENTS = 100
# As many requests in flight as the embedded AWS keeps busy on two cores.
BURST_WORKERS = 12


@dataclass
class Story:
    """Tells steps one after the other and remembers what did not hold."""

    shop: Shop
    console: Console
    broken: list[str] = field(default_factory=list)
    _title: str = ""

    def tell(self, step: "Callable[[Story], None]") -> None:
        """One step; what it raises is a check that did not hold."""
        self._title = step.__doc__ or step.__name__
        self.console.print(f"\n[bold]{self._title}[/bold]")
        try:
            step(self)
        except (NeverHappened, stripe.StripeError) as error:
            self.check(f"{type(error).__name__}: {error}", holds=False)

    def check(self, sentence: str, *, holds: bool) -> None:
        """One fact, and whether it is so."""
        self.console.print(
            f"  {'[green]✓' if holds else '[red]✗'}[/] {sentence}", highlight=False, soft_wrap=True
        )
        if not holds:
            self.broken.append(f"{self._title}: {sentence}")


def a_payment_that_succeeds(story: Story) -> None:
    """A payment is taken, and its webhook makes it paid."""
    shop = story.shop
    payment = shop.new_payment()
    story.check(
        f"POST /payments answers 201 with {payment['id']}, pending",
        holds=payment["status"] == "pending",
    )
    shop.confirm(payment["payment_intent_id"])
    paid = shop.payment_when(payment["id"], "paid")
    story.check(
        f"after Stripe's webhook GET shows paid, {paid['amount_captured_minor']} captured",
        holds=paid["amount_captured_minor"] == payment["amount_minor"],
    )
    (succeeded,) = [
        event
        for event in shop.events_about(payment["payment_intent_id"])
        if event.type == "payment_intent.succeeded"
    ]
    row = shop.decided(succeeded.id)
    story.check(
        f"the ledger holds {succeeded.id} as {row['outcome']}", holds=row["outcome"] == "applied"
    )


def a_double_click(story: Story) -> None:
    """A double click, with one key and with two."""
    shop = story.shop
    for keys in (["one"] * 2, ["one", "two"]):
        order = f"order-{secrets.token_hex(6)}"
        with ThreadPoolExecutor(len(keys)) as pool:
            answers = list(
                pool.map(
                    lambda key, order=order: shop.post_payment(
                        order_id=order, key=f"{order}-{key}"
                    ),
                    keys,
                )
            )
        codes = sorted(answer.status_code for answer in answers)
        intents = {a.json()["payment"]["payment_intent_id"] for a in answers if a.is_success}
        found = [
            intent
            for intent in shop.stripe.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
            if intent.metadata and intent.metadata.to_dict().get("paidonce_order") == order
        ]
        story.check(
            f"{len(set(keys))} key(s): answers {codes}, one payment intent at Stripe",
            holds=len(found) == 1 and intents <= {found[0].id, None} and codes[0] in (200, 201),
        )


def five_copies(story: Story) -> None:
    """Stripe delivers each webhook five times."""
    shop = story.shop
    shop.control("POST", "deliveries", {"copies": 5})
    try:
        payment = shop.new_payment()
        shop.confirm(payment["payment_intent_id"])
        paid = shop.payment_when(payment["id"], "paid")
        events = shop.events_about(payment["payment_intent_id"])
        rows = [shop.decided(event.id) for event in events]
        wanted = {event.id: 5 for event in events}
        shop.until(
            lambda: wanted.items() <= accepted_copies(shop).items(), what="all copies are accepted"
        )
        shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    finally:
        shop.control("POST", "deliveries", {"copies": 1})
    story.check(
        f"{5 * len(events)} deliveries accepted, {len(rows)} rows in the ledger",
        holds=len(rows) == len(events),
    )
    story.check(
        f"the payment's version is still {paid['version']}: one effect",
        holds=shop.payment(payment["id"])["version"] == paid["version"],
    )


def accepted_copies(shop: Shop) -> Counter[str]:
    """Event id → deliveries that were answered with 2xx."""
    return Counter(
        attempt["event"]
        for attempt in shop.control("GET", "deliveries")["data"]
        if attempt["status"] and attempt["status"] // 100 == 2  # noqa: PLR2004 - 2xx
    )


def succeeded_before_created(story: Story) -> None:
    """Succeeded arrives before created."""
    shop = story.shop
    shop.control("POST", "deliveries", {"hold": True})
    try:
        payment = shop.new_payment()
        shop.confirm(payment["payment_intent_id"])
        made = {e.type: e.id for e in shop.events_about(payment["payment_intent_id"])}
        for kind in ("payment_intent.succeeded", "payment_intent.created"):
            shop.control("POST", "deliveries/release", {"order": [made[kind]], "copies": 1})
            row = shop.decided(made[kind])
            story.check(
                f"{kind} arrives: {row['outcome']}, the payment is "
                f"{shop.payment(payment['id'])['status']}",
                holds=shop.payment(payment["id"])["status"] == "paid",
            )
    finally:
        shop.control("POST", "deliveries", {"hold": False})
        shop.control("POST", "deliveries/release", {"order": "forward", "copies": 1})


def somebody_elses_intent(story: Story) -> None:
    """A payment intent on the same Stripe account that is not ours."""
    shop = story.shop
    intent = shop.stripe.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "https://shop.example/thanks",
        }
    )
    outcomes = {shop.decided(event.id)["outcome"] for event in shop.events_about(intent.id)}
    story.check(f"its events are noted as {outcomes}", holds=outcomes == {"foreign"})


def a_forged_signature(story: Story) -> None:
    """A webhook that Stripe did not sign."""
    shop = story.shop
    event_id = f"evt_forged{secrets.token_hex(6)}"
    payload = f'{{"id": "{event_id}", "type": "payment_intent.succeeded", "created": 1}}'
    forged = stripe.WebhookSignature.generate_signature_header(payload, "whsec_" + "0" * 32)
    answer = shop.deliver(payload.encode(), forged)
    story.check(
        f"it is answered {answer.status_code} {answer.json()['error']['code']}",
        holds=(answer.status_code, answer.json()["error"]["code"]) == (400, "signature_invalid"),
    )
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    story.check("nothing was queued, nothing is in the ledger", holds=shop.ledger(event_id) is None)


def a_decline(story: Story) -> None:
    """A card with insufficient funds."""
    shop = story.shop
    payment = shop.new_payment()
    try:
        shop.confirm(payment["payment_intent_id"], card="pm_card_chargeDeclinedInsufficientFunds")
    except stripe.CardError as error:
        story.check(f"Stripe declines: {error.code}", holds=error.code == "card_declined")
    failed = shop.payment_when(payment["id"], "failed")
    story.check(
        f"the shopper reads: {failed['last_error']['message']}",
        holds=failed["last_error"]["decline_code"] == "insufficient_funds",
    )
    shop.confirm(payment["payment_intent_id"])
    shop.payment_when(payment["id"], "paid")
    story.check("another card pays it", holds=True)


def an_unknown_type(story: Story) -> None:
    """An event that no rule decides about."""
    shop = story.shop
    coupon = shop.stripe.v1.coupons.create({"percent_off": 10, "duration": "once"})
    (event,) = shop.events_about(coupon.id)
    row = shop.decided(event.id)
    story.check(
        f"{event.type} is accepted and noted as {row['outcome']}", holds=row["outcome"] == "ignored"
    )


def a_burst(story: Story) -> None:
    """A hundred payments at once."""
    shop = story.shop

    def buy(_: int) -> str:
        payment = shop.new_payment()
        shop.confirm(payment["payment_intent_id"])
        return str(payment["id"])

    with ThreadPoolExecutor(BURST_WORKERS) as pool:
        payment_ids = list(pool.map(buy, range(BURST_PAYMENTS)))
    with ThreadPoolExecutor(BURST_WORKERS) as pool:
        paid = list(pool.map(lambda payment_id: shop.payment_when(payment_id, "paid"), payment_ids))
    story.check(
        f"{len(paid)} payments, all paid, {len({p['payment_intent_id'] for p in paid})} intents",
        holds=len({p["payment_intent_id"] for p in paid}) == BURST_PAYMENTS,
    )
    events = {event.id for event in shop.stripe.v1.events.list({"limit": 100}).auto_paging_iter()}

    def undecided() -> set[str]:
        rows = shop.rows("EventsTableName")
        return events - {
            row["event_id"] for row in rows if row["outcome"] not in ("waiting", "failing")
        }

    shop.until(lambda: not undecided(), what="every event of Stripe's is decided")
    story.check(f"all {len(events)} events of Stripe's are in the ledger, decided", holds=True)
    dead = shop.queue_depth("EventsDeadLetterQueueUrl")
    story.check(f"{dead} dead letters", holds=dead == 0)


STEPS = [
    a_payment_that_succeeds,
    a_double_click,
    five_copies,
    succeeded_before_created,
    somebody_elses_intent,
    a_forged_signature,
    a_decline,
    an_unknown_type,
    a_burst,
]


def summary(shop: Shop) -> Table:
    """What the story left behind, counted in the tables and at Stripe."""
    payments = [row for row in shop.rows("PaymentsTableName") if row["id"].startswith("pay_")]
    rows = [row for row in shop.rows("EventsTableName") if row["event_id"].startswith("evt_")]
    attempts = shop.control("GET", "deliveries")["data"]
    accepted = [attempt for attempt in attempts if attempt["status"] == 200]  # noqa: PLR2004 - OK
    table = Table(title="What is left", title_justify="left", show_header=False)
    for status, count in sorted(Counter(str(p["status"]) for p in payments).items()):
        table.add_row(f"payments {status}", str(count))
    table.add_section()
    for outcome, count in sorted(Counter(str(r["outcome"]) for r in rows).items()):
        table.add_row(f"events {outcome}", str(count))
    table.add_row("deliveries accepted", str(len(accepted)))
    table.add_row("duplicates among them", str(len(accepted) - len({a["event"] for a in accepted})))
    table.add_row("dead letters", str(shop.queue_depth("EventsDeadLetterQueueUrl")))
    table.add_section()
    table.add_row("webhook to 200, p50 / p99", spread([a["duration_ms"] for a in accepted]))
    table.add_row("webhook to state, p50 / p99", spread([waited_ms(row) for row in rows]))
    return table


def waited_ms(row: dict[str, str]) -> float:
    """From the receiver's acceptance of an event to the decision about it."""
    took = datetime.fromisoformat(row["decided_at"]) - datetime.fromisoformat(row["received_at"])
    return took.total_seconds() * 1000


def spread(milliseconds: list[float]) -> str:
    """Median and 99th percentile."""
    cuts = quantiles(milliseconds, n=100)
    return f"{cuts[49]:.0f} ms / {cuts[98]:.0f} ms"


def main() -> int:
    """Start, deploy, tell, stop; 0 only when every check held."""
    console = Console()
    console.print("[bold]A cloud on this machine[/bold]")
    # Every event of Stripe's, so that one that no rule decides about is among them.
    with LocalCloud(Path(".local/demo"), enabled_events=["*"], console=console) as cloud:
        cloud.deploy()
        story = Story(shop=Shop(cloud.endpoints), console=console)
        for step in STEPS:
            story.tell(step)
        console.print()
        console.print(summary(story.shop))
    for sentence in story.broken:
        console.print(f"[red]did not hold:[/] {sentence}", highlight=False, soft_wrap=True)
    if not story.broken:
        console.print("[green]Every check held.[/]")
    return 1 if story.broken else 0


if __name__ == "__main__":
    sys.exit(main())
