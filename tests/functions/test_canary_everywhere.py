"""Planted e-mails, names, cards, secrets and signatures go through every function, and no further.

Each function is the real one with all its adapters, over moto and the stand-in Stripe, at its most
talkative; it is given what it is for, and what is broken or hostile, all of it full of canaries.
"""

import json
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
import stripe
from paidonce.adapters.items import ledger_item
from paidonce.domain.announcement import announcements_of
from paidonce.domain.operation import Operation

from bench.settings import ENVIRONMENT
from tests.a_change import a_domain_event, a_told_row, a_warning, an_envelope
from tests.examples import STAGE
from tests.functions.as_lambda import Context, cold_start, forget
from tests.functions.payments_api.a_browser import Browser
from tests.functions.receive_webhook.shapes import http_api
from tests.functions.test_nothing_at_rest import City, city  # noqa: F401 - a fixture
from tests.house.test_deployment import FUNCTIONS
from tests.use_cases.a_refund_desk import a_paid_payment

SIGNING = "wh" + "sec_canaryCanaryCanary"
CARD, EMAIL, NAME = "4242424242424242", "canary@example.com", "Canary Person"
KEY = "rk_" + "live_canarykey"
CLIENT_SECRET = "pi_1_sec" + "ret_canary"
PLANTED = (SIGNING, CARD, EMAIL, NAME, KEY, CLIENT_SECRET, "canary-header")
PERSON = " ".join(PLANTED)
TOKEN = "1" * 32


def an_event() -> str:
    """Stripe's, about somebody."""
    intent = {
        "id": "pi_canary",
        "object": "payment_intent",
        "status": "succeeded",
        "client_secret": CLIENT_SECRET,
        "receipt_email": EMAIL,
        "description": PERSON,
        "metadata": {"paidonce_payment": "pay_1", "note": PERSON},
        "payment_method": {"card": CARD, "billing_details": {"name": NAME}},
    }
    return json.dumps(
        {
            "id": "evt_canary",
            "object": "event",
            "type": "payment_intent.succeeded",
            "api_version": ENVIRONMENT["STRIPE_API_VERSION"],
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": intent},
        }
    )


def sqs(*bodies: str, **attributes: str) -> dict[str, Any]:
    """A batch of messages, the first of them on its last try."""
    return {
        "Records": [
            {
                "messageId": str(n),
                "receiptHandle": str(n),
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1" if n else "9"},
                "messageAttributes": {k: {"stringValue": v} for k, v in attributes.items()},
            }
            for n, body in enumerate(bodies)
        ]
    }


def webhooks() -> Iterator[dict[str, Any]]:
    body = an_event().encode()
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), SIGNING, int(time.time())
    )
    for signature in (header, header[:-1], f"t={EMAIL},v1={CARD}", "canary-header"):
        yield http_api(body, {"Stripe-Signature": signature, "Cookie": "canary-header"})
    yield http_api(body[:-1], {"Stripe-Signature": header})


def requests(function: str) -> Iterator[dict[str, Any]]:
    path = "/refunds" if function == "refunds_api" else "/payments"
    headers = {"content-type": "application/json", "authorization": "Bearer canary-header"}
    for n, body in enumerate(
        (
            {"order_id": "o-1", "amount_minor": 500, "currency": "usd", "description": PERSON},
            {"order_id": PERSON, "payment_id": PERSON, "amount_minor": PERSON},
            {"payment_id": "pay_1", "reason": PERSON, CARD: EMAIL},
        )
    ):
        keyed = headers | {"idempotency-key": f"canary-header {n}"}
        yield Browser(scopes="payments:write payments:amount refunds:write").event(
            "POST", path, body=body, headers=keyed
        )


def told(**changes: Any) -> str:
    """A domain event of somebody's payment."""
    seen = {**a_domain_event().object, "order_id": "o-1", "description": PERSON, "name": NAME}
    event = a_domain_event("payment.paid", object=seen, **changes)
    return an_envelope(announcements_of(a_told_row(event), STAGE)[0])


def changes() -> dict[str, Any]:
    seen = {**a_domain_event().object, "description": PERSON}
    row = a_told_row(replace(a_domain_event(), object=seen))
    images: list[Mapping[str, Any]] = [
        ledger_item(row, ledger_days=90),
        {"event_id": {"S": "evt_2"}, "outcome": {"S": PERSON}},
    ]
    return {
        "Records": [
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(n), "NewImage": image}}
            for n, image in enumerate(images)
        ]
    }


def what_comes(function: str) -> list[Any]:
    """Good and bad events of this function."""
    operation = Operation(aggregate_id="pay_1", call="pay_1_a1").message()
    steps = ("createSecret", "setSecret", "testSecret", "finishSecret")
    given: dict[str, list[Any]] = {
        "receive_webhook": list(webhooks()),
        "apply_event": [
            sqs(an_event(), PERSON, event_id="evt_canary", correlation_id="cor-1"),
            sqs(an_event()[:-1], '{"id": "evt_2", "data": 5}', event_id=EMAIL),
        ],
        "payments_api": list(requests("payments_api")),
        "refunds_api": list(requests("refunds_api")),
        "run_operation": [sqs(operation, PERSON, told(), correlation_id="cor-1")],
        "publish_changes": [changes()],
        "notify": [sqs(told(), PERSON)],
        "answer_fraud_warning": [sqs(an_envelope(a_warning(a_paid_payment())), told(), PERSON)],
        "rotate_secret": [
            {"Step": step, "SecretId": ENVIRONMENT[name], "ClientRequestToken": TOKEN}
            for name in ("PAYMENTS_KEY_ARN", "SIGNING_SECRET_ARN")
            for step in steps
        ],
        "retire_endpoints": [{"note": PERSON}],
        "reconcile": [{"note": PERSON}],
    }
    return given[function]


def plant() -> None:
    """Where secrets live: a signing secret, and a key that nobody at Stripe knows."""
    manager = boto3.client("secretsmanager")
    endpoint = {"id": "we_1", "name": "default", "secret": SIGNING, "created": 1}
    document = {"based_on": None, "endpoints": [endpoint | {"url": "https://x.example"}]}
    manager.create_secret(Name=ENVIRONMENT["SIGNING_SECRET_ARN"], SecretString=json.dumps(document))
    manager.create_secret(
        Name=ENVIRONMENT["ENDPOINTS_KEY_ARN"], SecretString=json.dumps({"key": KEY})
    )
    for name in ("SIGNING_SECRET_ARN", "PAYMENTS_KEY_ARN"):
        manager.put_secret_value(
            SecretId=ENVIRONMENT[name],
            ClientRequestToken=TOKEN,
            SecretString=json.dumps({"key": KEY, "endpoints": [PERSON]}),
            VersionStages=["AWSPENDING"],
        )


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.usefixtures("city")
def test_no_canary_is_in_any_line_or_error_of_any_function(
    function: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SETTLE_SECONDS", "1")
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    plant()
    caplog.clear()
    capfd.readouterr()
    raised: list[str] = []
    try:
        handler = cold_start(function)
        for event in what_comes(function):
            try:
                handler.handle(event, Context(function))
            except Exception as error:  # noqa: BLE001 - Lambda logs whatever leaves a handler
                raised += traceback.format_exception(error)
    finally:
        forget(function)
    caught = capfd.readouterr()
    # Loggers of the function's libraries; those of moto and of the stand-in are the other side's.
    theirs = [r.getMessage() for r in caplog.records if r.name.startswith((function, "stripe"))]
    written = "\n".join([caught.out, caught.err, *raised, *theirs])
    assert '"service":' in written or raised
    assert [one for one in PLANTED if one in written] == []


def test_a_planted_canary_would_be_seen(capfd: pytest.CaptureFixture[str]) -> None:
    print(json.dumps({"email": EMAIL}))  # noqa: T201 - as a careless line would
    written = capfd.readouterr().out
    assert [one for one in PLANTED if one in written] == [EMAIL]
