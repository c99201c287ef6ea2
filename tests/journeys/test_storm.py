"""Everyone asks at once while Stripe misbehaves: an intent and a record for each order."""

import secrets
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import NamedTuple

import httpx

from local.shop import Shop
from tests.asked_of_stripe import misplaced_keys, ours

ORDERS = 50
COPIES = 4  # with one key, and as many with a key each
IN_FLIGHT = 12
FIRED_EACH = 5
FAULTS = ("429", "500", "503", "lost_before", "lost_after", "slow:2")
# An order's copies go out beside those of this many others, so that they meet each other.
ORDERS_AT_ONCE = 4

MADE, GIVEN, UNKNOWN, MEANWHILE = 201, 200, 202, 409


class Click(NamedTuple):
    """One request for an order's payment."""

    order_id: str
    key: str


def clicks_of(order_id: str) -> list[Click]:
    """A shopper who clicks four times, and one who reloads and clicks, four times."""
    one = secrets.token_hex(8)
    keys = [one] * COPIES + [secrets.token_hex(8) for _ in range(COPIES)]
    return [Click(order_id, key) for key in keys]


def shuffled(order_ids: Sequence[str], seed: int) -> list[Click]:
    """All clicks; those of a few orders among each other."""
    random, mixed = Random(seed), []
    for start in range(0, len(order_ids), ORDERS_AT_ONCE):
        few = [
            click
            for order_id in order_ids[start : start + ORDERS_AT_ONCE]
            for click in clicks_of(order_id)
        ]
        random.shuffle(few)
        mixed += few
    return mixed


def plan_faults(shop: Shop) -> None:
    """Each kind in turn on the creations; some more where a secret is read again."""
    for kind in FAULTS * FIRED_EACH:
        fault = {"method": "POST", "path": "/v1/payment_intents", "kind": kind, "times": 1}
        shop.control("POST", "faults", fault)
    for kind in ("503", "lost_after", "429"):
        fault = {"method": "GET", "path": "/v1/payment_intents/{id}", "kind": kind, "times": 2}
        shop.control("POST", "faults", fault)


def fired(shop: Shop) -> Counter[str]:
    """How often each kind went wrong for a creation; none is left."""
    count: Counter[str] = Counter()
    for fault in shop.control("DELETE", "faults")["faults"]:
        if fault["method"] == "POST":
            count[fault["kind"]] += fault["fired"]
    return count


def asked(shop: Shop, click: Click) -> httpx.Response:
    return shop.post_payment(order_id=click.order_id, key=click.key)


def ended(shop: Shop, click: Click) -> httpx.Response:
    """The same request, sent again until it has an answer that is final."""
    return shop.until(
        lambda: (answer := asked(shop, click)).status_code not in (UNKNOWN, MEANWHILE) and answer,
        what=f"{click} is ended",
    )


def test_a_storm_ends_with_one_intent_and_one_record_for_each_order(shop: Shop) -> None:
    storm = secrets.token_hex(4)
    order_ids = [f"storm-{storm}-{n}" for n in range(ORDERS)]
    clicks = shuffled(order_ids, seed=50)
    assert len(clicks) == ORDERS * COPIES * 2
    plan_faults(shop)
    try:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            told = list(pool.map(lambda click: asked(shop, click), clicks))
    finally:
        count = fired(shop)
    statuses = Counter(answer.status_code for answer in told)
    assert set(statuses) <= {MADE, GIVEN, UNKNOWN, MEANWHILE}, statuses
    assert all(count[kind] >= FIRED_EACH for kind in FAULTS), count
    # Stored failures alone leave five that only run_operation can end.
    assert statuses[UNKNOWN] >= 1
    assert {
        answer.json()["error"]["code"] for answer in told if answer.status_code == MEANWHILE
    } <= {"idempotency_in_progress"}

    repeated = [ended(shop, click) for click in dict.fromkeys(clicks)]
    assert {answer.status_code for answer in repeated} == {MADE, GIVEN}
    for click, answer in zip(dict.fromkeys(clicks), repeated, strict=True):
        payment = answer.json()["payment"]
        assert payment["order_id"] == click.order_id
        assert answer.json()["client_secret"].startswith(f"{payment['payment_intent_id']}_secret_")
    shown = {(a.json()["payment"]["order_id"], a.json()["payment"]["id"]) for a in repeated}
    assert len(shown) == ORDERS
    assert one_of_each(shop, order_ids)
    assert misplaced_keys(shop) == []
    tries = [asked for asked in ours(shop) if asked["path"] == "/v1/payment_intents"]
    assert len(tries) > ORDERS


def one_of_each(shop: Shop, order_ids: Sequence[str]) -> bool:
    """Stripe and our table have the same payment of every order, and no second one of any."""
    listed = shop.stripe.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
    marked = [(intent.id, intent.to_dict().get("metadata", {})) for intent in listed]
    intents = [
        (marks["paidonce_order"], intent_id)
        for intent_id, marks in marked
        if marks.get("paidonce_order") in order_ids
    ]
    rows = [
        (row["order_id"], row["payment_intent_id"])
        for row in shop.rows("PaymentsTableName")
        if row.get("order_id") in order_ids
    ]
    assert sorted(order_id for order_id, _ in intents) == sorted(order_ids)
    assert sorted(rows) == sorted(intents)
    shop.until(lambda: not shop.queue_depth("OperationsQueueUrl"), what="operations are ended")
    assert shop.queue_depth("OperationsDeadLetterQueueUrl") == 0
    return True
