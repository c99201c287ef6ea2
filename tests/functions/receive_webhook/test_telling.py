"""What the receiver tells of a request: one line of ids, one line of counts, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.errors import TryAgain

from tests.fakes import FakeLetterbox
from tests.functions.receive_webhook.settings import QUEUE_URL, SECRET_NAME
from tests.functions.receive_webhook.shapes import REQUEST_ID, http_api
from tests.functions.receive_webhook.stage import OLD, Stage, error_of, payload, sign_bytes


def metrics(lines: list[dict[str, Any]]) -> dict[str, float]:
    """The counts of the EMF line, which there is one of for each invocation."""
    [found] = [line for line in lines if "_aws" in line]
    [directive] = found["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "PaidOnce"
    assert set(directive["Dimensions"][0]) == {"service", "stage"}
    assert (found["service"], found["stage"]) == ("receive_webhook", "test")
    names = [metric["Name"] for metric in directive["Metrics"]]
    return {
        name: found[name][0] if isinstance(found[name], list) else found[name] for name in names
    }


def test_an_accepted_event_is_one_line_of_ids(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.post(payload())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if "_aws" not in line]
    assert line["message"] == "webhook accepted"
    assert line["event_id"] == "evt_1"
    assert line["event_type"] == "payment_intent.succeeded"
    assert (line["correlation_id"], line["gateway_request_id"]) == ("evt_1", REQUEST_ID)
    assert line["size_bytes"] == len(payload())
    assert metrics(lines) == {"WebhookAccepted": 1, "WebhookWhole": 1}


@pytest.mark.parametrize(
    ("body", "header", "metric"),
    [
        (payload(), "garbage", "SignatureRefused"),
        (b"[]", sign_bytes(b"[]"), "WebhookInvalid"),
        (b"x" * 4_000_001, "", "WebhookTooLarge"),
    ],
)
def test_what_is_refused_is_counted_and_one_line(
    stage: Stage, capsys: pytest.CaptureFixture[str], body: bytes, header: str, metric: str
) -> None:
    stage.send(http_api(body, {"Stripe-Signature": header}))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert metrics(lines)[metric] == 1
    [line] = [line for line in lines if "_aws" not in line]
    assert line["message"] == "webhook refused"


def test_what_could_not_be_queued_is_counted_and_one_line(
    start: Callable[..., Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    stage = start()
    stage.post(payload())
    stage.put_secret(OLD)
    stage.clock.advance(60)
    wiring = stage.handler.wiring
    box = FakeLetterbox()
    box.faults.plan("put", TryAgain("SQS did not answer"))
    wiring.receive_webhook = replace(wiring.receive_webhook, letterbox=box)
    stage.post(payload())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line for line in lines if "_aws" not in line]
    assert [line["error_class"] for line in told] == ["NotConfigured", "TryAgain"]
    first, second = (line for line in lines if "_aws" in line)
    assert first["WebhookNotConfigured"] == [1.0]
    assert second["WebhookNotQueued"] == [1.0]


def test_no_secret_signature_address_or_card_ever_reaches_the_log(
    start: Callable[..., Stage],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The canary: planted in every place, sent through every path, at the most talkative level."""
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    secret = "whsec" + "_canaryCanaryCanary"
    planted = ["canary@example.com", "4242424242424242", "Canary Street 1", secret, "canary-route"]
    stage = start(secret, POWERTOOLS_LOG_LEVEL="DEBUG")
    body = payload(data={"object": {"id": "pi_1", "receipt_email": planted[0], "card": planted[1]}})
    body = body.replace(b'"pi_1"', b'"pi_1", "address": "Canary Street 1"')
    signature = stage.sign(body, secret)
    planted.append(signature.rpartition("=")[2])
    ways: list[dict[str, Any]] = [
        http_api(body, {"Stripe-Signature": signature}),
        http_api(body, {"Stripe-Signature": signature.replace("t=", "t=x")}),
        http_api(body, {"Stripe-Signature": signature[:-1]}),
        http_api(body, {"Stripe-Signature": f"t={planted[0]},v1={planted[1]}"}),
        http_api(body, {"Stripe-Signature": signature}, endpoint="canary-route"),
        http_api(body[:-1], {"Stripe-Signature": stage.sign(body[:-1], secret)}),
        http_api(body, {"Stripe-Signature": signature}) | {"isBase64Encoded": True},
        http_api(body, {"Stripe-Signature": signature, "Cookie": planted[0]}) | {"headers": 5},
    ]
    answers = [stage.send(event) for event in ways]
    stage.sqs.delete_queue(QueueUrl=QUEUE_URL)
    answers.append(stage.send(ways[0]))
    stage.secrets.delete_secret(SecretId=SECRET_NAME, ForceDeleteWithoutRecovery=True)
    stage.clock.advance(400)
    answers.append(stage.send(ways[2]))
    assert [answer["statusCode"] for answer in answers][:7] == [200, 400, 400, 400, 400, 400, 400]
    captured = capsys.readouterr()
    told = captured.out + captured.err + json.dumps(answers)
    assert "webhook accepted" in told
    assert "webhook not accepted" in told
    for word in planted:
        assert word not in told, word


def test_a_bug_is_500_and_told_once_without_its_text(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("planted@example.com")

    monkeypatch.setattr(stage.handler.wiring, "receive_webhook", broken)
    answer = stage.post(payload())
    assert error_of(answer) == (500, "internal")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [told] = [line for line in lines if line.get("level") == "ERROR"]
    assert told["error_class"] == "ZeroDivisionError"
    assert told["error_place"].startswith("receive_webhook/handler.py:")
    assert told["correlation_id"] == REQUEST_ID
    assert "planted" not in json.dumps([lines, answer])
    assert metrics(lines)["WebhookFailed"] == 1
