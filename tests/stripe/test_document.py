"""Stripe's document, and what the stand-in makes of it."""

import json
import subprocess
import sys
import time
from urllib.request import urlopen

import local.stripe.resources.all  # noqa: F401 - fills the router
from local.stripe.router import ROUTER
from local.stripe.spec import answers
from local.stripe.spec.document import document, overlay
from local.stripe.spec.skeletons import skeleton

# Paths of the document that the stand-in does not answer (404), each for a reason.
LEFT_OUT = {
    "/v1/balance/history": "the older name of balance transactions",
    "/v1/charges": "charges come from intents",
    "/v1/charges/{charge}/dispute": "the older way to a dispute",
    "/v1/charges/{charge}/refund": "the older way to a refund",
    "/v1/customers/{customer}/balance_transactions": "credit balances are not modelled",
    "/v1/customers/{customer}/cards": "the older name of sources",
    "/v1/customers/{customer}/subscriptions": "the older way to a subscription",
    "/v1/invoices/{invoice}": "lines of drafts are changed through invoice items",
    "/v1/payment_intents/{intent}/amount_details_line_items": "not modelled",
    "/v1/payment_intents/{intent}/increment_authorization": "for terminals",
    "/v1/subscriptions/{subscription_exposed_id}/discount": "through an update",
}


def test_every_route_is_in_the_document() -> None:
    """Each path and method that we answer has its parameters and answer described."""
    assert ROUTER.routes
    paths = document()["paths"]
    unknown = [
        (route.method, route.path)
        for route in ROUTER.routes
        if route.method.lower() not in paths.get(route.path, {})
    ]
    assert unknown == []


def test_what_is_left_out_is_listed() -> None:
    """A path of the shipped document without a route is left out on purpose."""
    served = {(route.method.lower(), route.path) for route in ROUTER.routes}
    missing = [
        path
        for path, item in document()["paths"].items()
        for method in item
        if (method, path) not in served and not any(path.startswith(each) for each in LEFT_OUT)
    ]
    assert missing == []


def test_the_overlay_gives_a_reason_for_each_change() -> None:
    """Every difference of a release says why."""
    changes = [change for each in overlay()["releases"].values() for change in each]
    assert all(change["why"] for change in [*changes, *overlay()["every_release"]])


def test_a_wrong_answer_is_noticed() -> None:
    """Missing, mistyped, unknown and forbidden values are each one fault."""
    refund = skeleton("refund", id="re_1", status="succeeded", amount=5, currency="usd")
    assert answers.object_faults(refund) == []
    assert len(answers.object_faults({**refund, "amount": "5"})) == 1
    assert len(answers.object_faults({**refund, "unicorn": 1})) == 1
    assert len(answers.object_faults({**refund, "reason": "boredom"})) == 1
    del refund["amount"]
    assert answers.object_faults(refund) == ["refund.amount is missing"]


def test_it_runs_alone() -> None:
    """`python -m local.stripe` prints its address and nothing else, and answers there."""
    command = [sys.executable, "-m", "local.stripe", "--port", "0", "--retry-seconds", "1,2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            while True:
                try:
                    with urlopen(f"{address}/_test/health", timeout=1) as answer:  # noqa: S310 - loopback
                        assert json.load(answer) == {"status": "ok"}
                    break
                except OSError:
                    time.sleep(0.02)
        finally:
            process.terminate()
        assert process.stdout.read() == ""
