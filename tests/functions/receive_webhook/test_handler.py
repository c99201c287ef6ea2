"""The receiver as AWS calls it, with SQS and Secrets Manager by moto."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functions.receive_webhook.settings import QUEUE_URL
from tests.functions.receive_webhook.shapes import SHAPES, Shape, http_api
from tests.functions.receive_webhook.stage import (
    CONNECT,
    NEW,
    NOW,
    OLD,
    Stage,
    error_of,
    payload,
    sign_bytes,
)

OLD_PAYLOADS = sorted((Path(__file__).parents[2] / "events" / "stripe-old").glob("*.json"))
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


# --- accepted -------------------------------------------------------------------------------------


@each_shape
@pytest.mark.parametrize("as_base64", [False, True])
def test_a_signed_event_is_queued_and_then_answered(
    stage: Stage, shape: Shape, *, as_base64: bool
) -> None:
    body = payload(description="Zoë 💳\u2028", account="acct_1")
    answer = stage.post(body, shape=shape, as_base64=as_base64)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"received": True}
    [message] = stage.queued()
    assert message["Body"].encode() == body
    assert {name: v["StringValue"] for name, v in message["MessageAttributes"].items()} == {
        "event_id": "evt_1",
        "event_type": "payment_intent.succeeded",
        "livemode": "false",
        "account": "acct_1",
        "api_version": "2026-10-28.endive",
        "correlation_id": "evt_1",
        "received_at": "2026-11-22T11:24:00.000Z",
    }
    assert {v["DataType"] for v in message["MessageAttributes"].values()} == {"String"}


@each_shape
@pytest.mark.parametrize("name", ["stripe-signature", "STRIPE-SIGNATURE", "Stripe-signature"])
def test_the_header_s_case_does_not_matter(stage: Stage, shape: Shape, name: str) -> None:
    body = payload()
    assert stage.send(shape(body, {name: stage.sign(body)}))["statusCode"] == 200


@each_shape
def test_two_values_of_the_header_are_read_as_one(stage: Stage, shape: Shape) -> None:
    body = payload()
    first, second = stage.sign(body, NEW), stage.sign(body).split(",")[1]
    assert stage.send(shape(body, {"Stripe-Signature": [first, second]}))["statusCode"] == 200


@each_shape
def test_each_endpoint_has_its_route_and_its_secret(
    start: Callable[..., Stage], shape: Shape
) -> None:
    stage = start(OLD, ("connect", CONNECT))
    for signer, endpoint, status in [
        (OLD, None, 200),
        (CONNECT, "connect", 200),
        (CONNECT, None, 400),
        (OLD, "connect", 400),
        (OLD, "unheard-of", 400),
        (OLD, "%F0%9F%92%B3", 400),
    ]:
        answer = stage.post(payload(), signer, shape=shape, endpoint=endpoint)
        assert answer["statusCode"] == status, (signer, endpoint)
    assert len(stage.queued()) == 2


def test_all_88_of_them_go_into_the_queue(stage: Stage) -> None:
    for n, path in enumerate(OLD_PAYLOADS):
        body = json.dumps(json.loads(path.read_bytes()) | {"id": f"evt_{n}"}).encode()
        assert stage.post(body)["statusCode"] == 200
    ids = {m["MessageAttributes"]["event_id"]["StringValue"] for m in stage.queued()}
    assert ids == {f"evt_{n}" for n in range(88)}


@pytest.mark.parametrize("size", [900_001, 4_000_000])
@each_shape
def test_a_large_event_is_queued_as_its_id(stage: Stage, shape: Shape, size: int) -> None:
    body = payload()[:-1].ljust(size - 1) + b"}"
    assert stage.post(body, shape=shape, as_base64=True)["statusCode"] == 200
    [message] = stage.queued()
    assert json.loads(message["Body"]) == {"kind": "event", "schema": 1, "id": "evt_1"}
    assert message["MessageAttributes"]["event_type"]["StringValue"] == "payment_intent.succeeded"


def test_what_sqs_refuses_is_queued_as_its_id(stage: Stage) -> None:
    stage.sqs.set_queue_attributes(QueueUrl=QUEUE_URL, Attributes={"MaximumMessageSize": "1024"})
    assert stage.post(payload(description="x" * 2000))["statusCode"] == 200
    [message] = stage.queued()
    assert json.loads(message["Body"]) == {"kind": "event", "schema": 1, "id": "evt_1"}


# --- refused --------------------------------------------------------------------------------------

HEADERS = {
    "none": {},
    "empty": {"Stripe-Signature": ""},
    "blank": {"Stripe-Signature": "  "},
    "garbage": {"Stripe-Signature": "garbage"},
    "only commas": {"Stripe-Signature": ",,,"},
    "no timestamp": {"Stripe-Signature": "v1=" + "0" * 64},
    "no signature": {"Stripe-Signature": f"t={NOW}"},
    "v0 alone": {"Stripe-Signature": f"t={NOW},v0=" + "0" * 64},
    "a word as timestamp": {"Stripe-Signature": "t=now,v1=" + "0" * 64},
    "a huge timestamp": {"Stripe-Signature": f"t={'9' * 4000},v1=" + "0" * 64},
    "nothing after t": {"Stripe-Signature": "t,v1=" + "0" * 64},
    "nothing after v1": {"Stripe-Signature": f"t={NOW},v1"},
    "another signature": {"Stripe-Signature": f"t={NOW},v1=" + "0" * 64},
    "a short signature": {"Stripe-Signature": f"t={NOW},v1=0"},
    "non-ASCII": {"Stripe-Signature": f"t={NOW},v1=é"},
    "over 4 KiB": {"Stripe-Signature": f"t={NOW},v1=" + "0" * 5000},
    "a thousand signatures": {"Stripe-Signature": f"t={NOW}" + ",v1=0" * 1000},
    "another header": {"Signature": f"t={NOW},v1=" + "0" * 64},
    "two, both wrong": {"Stripe-Signature": [f"t={NOW},v1=00", f"t={NOW},v1=11"]},
}


@each_shape
def test_a_malformed_header_is_refused_and_nothing_is_queued(stage: Stage, shape: Shape) -> None:
    for name, headers in HEADERS.items():
        answer = stage.send(shape(payload(), headers))
        assert error_of(answer) == (400, "signature_invalid"), name
    assert stage.queued() == []


@pytest.mark.parametrize(("seconds", "status"), [(-300, 200), (-301, 400), (60, 200), (61, 400)])
def test_the_signature_s_age_is_bounded_both_ways(
    stage: Stage, *, seconds: int, status: int
) -> None:
    body = payload()
    answer = stage.send(http_api(body, {"Stripe-Signature": stage.sign(body, at=NOW + seconds)}))
    assert answer["statusCode"] == status


BODIES = {
    "empty": b"",
    "not JSON": b"evt_1",
    "cut": payload()[:-1],
    "a list": b"[]",
    "null": b"null",
    "not an event": b"{}",
    "deeply nested": b"[" * 200_000,
    "UTF-16": payload().decode().encode("utf-16"),
    "not UTF-8": b"\xff\xfe",
}


@each_shape
def test_a_signed_body_that_is_no_event_is_an_invalid_request(stage: Stage, shape: Shape) -> None:
    for name, body in BODIES.items():
        header = {"Stripe-Signature": sign_bytes(body)}
        forged = {"Stripe-Signature": sign_bytes(body, NEW)}
        told = error_of(stage.send(shape(body, header, as_base64=True)))
        assert told == (400, "invalid_request"), name
        told = error_of(stage.send(shape(body, forged, as_base64=True)))
        assert told == (400, "signature_invalid"), name
    assert stage.queued() == []


@each_shape
def test_without_any_body_it_is_the_empty_one(stage: Stage, shape: Shape) -> None:
    assert error_of(stage.send(shape(None, {}))) == (400, "signature_invalid")
    signed = stage.send(shape(None, {"Stripe-Signature": sign_bytes(b"")}))
    assert error_of(signed) == (400, "invalid_request")


@each_shape
@pytest.mark.parametrize("size", [4_000_001, 5_000_000])
def test_above_4_000_000_bytes_nothing_is_read(
    stage: Stage, shape: Shape, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even verified: a request that costs us that much is refused by its length."""
    monkeypatch.setattr(stage.handler.wiring, "receive_webhook", None)
    answer = stage.send(shape(b"x" * size, {"Stripe-Signature": "t=1"}, as_base64=True))
    assert error_of(answer) == (413, "too_large")


def test_a_refusal_says_in_general_words_what_was_wrong(stage: Stage) -> None:
    for header, sentence in [
        ("", "the signature header is missing"),
        (f"t={NOW - 900},v1=00", "the signature is too old"),
        (f"t={NOW},v1=00", "no signing secret of this endpoint made the signature"),
    ]:
        answer = stage.send(http_api(payload(), {"Stripe-Signature": header}))
        assert json.loads(answer["body"])["error"]["message"] == sentence


def test_half_a_surrogate_pair_in_a_body_is_signed_by_nobody(stage: Stage) -> None:
    """JSON can carry one into the text that Lambda hands over; it has no bytes in UTF-8."""
    event = http_api(b"", {"Stripe-Signature": stage.sign(payload())}) | {"body": '"\ud800"'}
    assert error_of(stage.send(event)) == (400, "signature_invalid")


def test_without_a_gateway_s_id_the_answer_names_lambda_s(stage: Stage) -> None:
    answer = stage.send({"body": "{}"})
    assert json.loads(answer["body"])["error"]["request_id"] == stage.context.aws_request_id
