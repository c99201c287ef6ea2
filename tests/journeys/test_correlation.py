"""One search of the logs finds all that a caller's request, or an event of Stripe's, led to."""

import json
import secrets
import time
from typing import Any

import pytest

from local.shop import Shop
from tests.journeys.bringing import held
from tests.journeys.listener import on_the_bus

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

Lines = list[dict[str, Any]]
# From the caller to those who are told.
WAY = {"payments_api", "receive_webhook", "apply_event", "publish_changes", "notify"}


def found(shop: Shop, correlation_id: str) -> Lines:
    """What Logs Insights finds by the id in all functions' logs, as docs/operate.md searches."""
    client = shop.client("logs")
    prefix = f"/aws/lambda/paidonce-{shop.endpoints['stage']}-"
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    query = client.start_query(
        logGroupNames=[group["logGroupName"] for page in pages for group in page["logGroups"]],
        startTime=int(time.time()) - 3600,
        endTime=int(time.time()) + 60,
        # The embedded AWS knows no filter by a field: `correlation_id = '…'` finds the same.
        queryString="fields @timestamp, @message"
        f' | filter @message like /"correlation_id":"{correlation_id}"/ | sort @timestamp asc',
    )
    rows = client.get_query_results(queryId=query["queryId"])["results"]
    lines = [json.loads(cell["value"]) for row in rows for cell in row if is_message(cell)]
    assert {line["correlation_id"] for line in lines} <= {correlation_id}
    return lines


def is_message(cell: Any) -> bool:
    return bool(cell["field"] == "@message")


def found_of(shop: Shop, correlation_id: str, services: set[str]) -> Lines:
    """The same, once each of these functions has written its lines."""
    return shop.until(
        lambda: services_of(lines := found(shop, correlation_id)) >= services and lines,
        what=f"{correlation_id} is on lines of {sorted(services)}",
    )


def services_of(lines: Lines) -> set[str]:
    return {line["service"] for line in lines}


def told(lines: Lines, service: str, message: str) -> Lines:
    return [x for x in lines if (x["service"], x["message"]) == (service, message)]


def opened(shop: Shop) -> tuple[dict[str, Any], str]:
    """A payment by a caller who names the request."""
    correlation_id = f"shop-{secrets.token_hex(6)}"
    answer = shop.http.post(
        "/payments",
        json={
            "order_id": f"order-{secrets.token_hex(6)}",
            "amount_minor": 1999,
            "currency": "usd",
        },
        headers={"Idempotency-Key": secrets.token_hex(8), "X-Correlation-Id": correlation_id},
    )
    assert answer.status_code == 201
    return answer.json()["payment"], correlation_id


def test_the_callers_id_leads_to_every_line_and_every_event_of_one_payment(shop: Shop) -> None:
    """Two payments at once, whose events come in the same batches: none takes the other's id."""
    two = [opened(shop) for _ in range(2)]
    with on_the_bus(shop) as listener:
        with held(shop):
            for payment, _ in two:
                shop.confirm(payment["payment_intent_id"])
        shop.control("POST", "deliveries/release", {})
        for payment, _ in two:
            shop.payment_when(payment["id"], "paid")
        shop.until(
            lambda: all(
                "payment.paid" in {one.type for one in listener.events_about(payment["id"])}
                for payment, _ in two
            ),
            what="the bus has told of both",
        )
        on_bus = {p["id"]: listener.events_about(p["id"]) for p, _ in two}
    for (payment, correlation_id), (other, _) in zip(two, reversed(two), strict=True):
        lines = found_of(shop, correlation_id, WAY)
        assert {one.correlation_id for one in on_bus[payment["id"]]} == {correlation_id}
        (answered,) = told(lines, "payments_api", "request answered")
        assert (answered["route"], answered["status"]) == ("POST /payments", 201)
        (made,) = told(lines, "payments_api", "stripe call")
        assert made["stripe_request_id"].startswith("req_")
        assert made["idempotency_key"] == f"{payment['id']}_a1"
        types = {x["event_type"] for x in told(lines, "receive_webhook", "webhook accepted")}
        assert {"payment_intent.succeeded", "charge.succeeded"} <= types
        decided = told(lines, "apply_event", "event decided")
        assert payment["id"] in {x.get("aggregate_id") for x in decided}
        assert other["id"] not in json.dumps(lines)


def test_an_operation_goes_on_under_the_id_of_the_payment_that_it_belongs_to(shop: Shop) -> None:
    """A second intent with the payment's marks is canceled by run_operation, told by the bus."""
    payment, correlation_id = opened(shop)
    own = shop.stripe.v1.payment_intents.retrieve(payment["payment_intent_id"])
    marks = dict(own.to_dict()["metadata"]) | {"paidonce_attempt": "7"}
    second = shop.stripe.v1.payment_intents.create(
        {"amount": own.amount, "currency": own.currency, "metadata": marks}
    )
    lines = found_of(shop, correlation_id, {"run_operation"})
    shop.until(
        lambda: told(found(shop, correlation_id), "run_operation", "operation ended"),
        what="the operation ends",
    )
    (call,) = told(lines, "run_operation", "stripe call")
    assert (call["method"], call["object_id"]) == ("post", second.id)
    assert call["stripe_request_id"].startswith("req_")


def test_an_event_that_stripe_alone_began_leads_on_under_its_own_id(shop: Shop) -> None:
    payment, correlation_id = opened(shop)
    shop.confirm(payment["payment_intent_id"])
    charge_id = shop.payment_when(payment["id"], "paid")["charge_id"]
    with on_the_bus(shop) as listener:
        dispute = shop.control("POST", "disputes", {"charge": charge_id})
        about = shop.until(
            lambda: [x for x in listener.events_about(payment["id"]) if x.type == "dispute.opened"],
            what="the bus has told of the dispute",
        )
    event_id = about[0].stripe_event_id
    assert event_id is not None
    assert {one.correlation_id for one in about} == {event_id}
    lines = found_of(shop, event_id, WAY - {"payments_api"})
    (read,) = told(lines, "apply_event", "stripe call")
    assert (read["object_id"], read["stripe_request_id"][:4]) == (dispute["id"], "req_")
    # By the payment's id all of it is found as well, from whatever chain.
    (decided,) = told(lines, "apply_event", "event decided")
    assert decided["aggregate_id"] == payment["id"]
    assert correlation_id != event_id
