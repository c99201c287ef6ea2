"""Log lines and metrics, as CloudWatch reads them."""

import json
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from paidonce.adapters.telemetry import REDACTED, PowertoolsTelemetry, place_of
from paidonce.domain.errors import InvalidRequest, TryAgain
from paidonce.domain.money import Money
from paidonce.use_cases.ports import Telemetry

from tests.fakes_telemetry import FakeTelemetry

Capture = pytest.CaptureFixture[str]


_numbers = count()


def telemetry(service: str) -> PowertoolsTelemetry:
    """Powertools keeps a logger per service with its stream, so each test has one of its own."""
    service = f"{service}_{next(_numbers)}"
    return PowertoolsTelemetry(service=service, stage="test", livemode=False)


def lines(capture: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


def test_a_fact_is_one_json_line_with_stage_and_ids(capsys: Capture) -> None:
    log = telemetry("a_fact")
    with log.invocation(request_id="req-1", correlation_id="cor-1"):
        log.fact("event applied", event_id="evt_1", attempts=2, reason=None)
    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line.pop("service").startswith("a_fact_")
    assert line == {
        "level": "INFO",
        "message": "event applied",
        "stage": "test",
        "livemode": False,
        "request_id": "req-1",
        "correlation_id": "cor-1",
        "event_id": "evt_1",
        "attempts": 2,
    }


def test_ids_of_one_invocation_are_not_on_the_next_ones_lines(capsys: Capture) -> None:
    log = telemetry("two_invocations")
    with log.invocation(request_id="req-1", correlation_id="cor-1"):
        log.fact("first")
    log.fact("second")
    first, second = lines(capsys)
    assert (first["request_id"], first["correlation_id"]) == ("req-1", "cor-1")
    assert "request_id" not in second
    assert "correlation_id" not in second
    assert second["stage"] == "test"


def test_the_id_of_a_block_is_on_its_lines_alone(capsys: Capture) -> None:
    """Also when the block raises: no message of a batch has the id of another on its lines."""
    log = telemetry("blocks")
    with log.invocation(request_id="req-1"):
        for correlation_id in ("cor-1", None, "cor-2"):
            with suppress(TryAgain), log.correlated(correlation_id):
                log.fact("within")
                raise TryAgain("x")
            log.fact("between")
    found = [line.get("correlation_id") for line in lines(capsys)]
    assert found == ["cor-1", None, None, None, "cor-2", None]


def test_a_block_within_another_gives_the_outer_id_back(capsys: Capture) -> None:
    log = telemetry("nested")
    with log.invocation(request_id="req-1", correlation_id="outer"):
        with log.correlated("inner"):
            log.fact("within")
        with log.correlated(None):
            log.fact("of nobody")
        log.fact("after")
    found = [line.get("correlation_id") for line in lines(capsys)]
    assert found == ["inner", None, "outer"]


def test_a_fault_names_class_and_place_and_not_the_text(capsys: Capture) -> None:
    log = telemetry("a_fault")
    with pytest.raises(InvalidRequest) as raised:
        Money(0, "usd")
    log.fault("the rule raised", raised.value, event_id="evt_1")
    (line,) = lines(capsys)
    assert (line["level"], line["error_class"]) == ("ERROR", "InvalidRequest")
    assert line["error_place"].startswith("paidonce/domain/money.py:")
    assert "whole number" not in json.dumps(line)


def test_the_place_is_ours_even_when_a_library_raised() -> None:
    with pytest.raises(ValueError, match="property name") as raised:
        json.loads("{")
    ours = place_of(raised.value, ours=(__name__.partition(".")[0],))
    assert "test_telemetry.py:" in str(ours)
    innermost = place_of(raised.value, ours=("nobody",))
    assert str(innermost).startswith("json/decoder.py:")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(TryAgain("x"), ours=("paidonce",)) is None


def test_metrics_come_as_one_emf_line_at_the_end_of_an_invocation(capsys: Capture) -> None:
    log = telemetry("metrics")
    with log.invocation(request_id="req-1"):
        for _ in range(150):
            log.count("EventsApplied")
        log.count("EventsIgnored", 4)
        assert lines(capsys) == []
    (line,) = lines(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "PaidOnce"
    assert sorted(directive["Dimensions"][0]) == ["service", "stage"]
    assert (line["stage"], line["livemode"]) == ("test", False)
    assert line["service"].startswith("metrics_")
    assert (line["EventsApplied"], line["EventsIgnored"]) == ([150], [4])
    log.flush()
    assert lines(capsys) == []


def test_an_alarm_is_written_at_once(capsys: Capture) -> None:
    metrics = telemetry("alarms")
    metrics.alarm("PaidTwice")
    (line,) = lines(capsys)
    assert line["PaidTwice"] == [1]
    metrics.flush()
    assert lines(capsys) == []


def test_metrics_are_written_when_the_handler_raises(capsys: Capture) -> None:
    log = telemetry("raising")

    def invoked() -> None:
        with log.invocation(request_id="req-1"):
            log.count("EventsFailed")
            raise TryAgain("x")

    with pytest.raises(TryAgain):
        invoked()
    assert [line["EventsFailed"] for line in lines(capsys)] == [[1]]


def test_an_id_may_have_any_name(capsys: Capture) -> None:
    """Python's logging refuses some as extra keys, in the middle of a failure."""
    log = telemetry("any_name")
    log.fact("x", name="n", args="a", message_="m", module="o")
    (line,) = lines(capsys)
    assert (line["name_"], line["args_"], line["module_"]) == ("n", "a", "o")


@pytest.mark.parametrize(
    "planted",
    [
        "sk_" + "live_abc123",
        "rk_" + "test_abc",
        "wh" + "sec_abc",
        "pi_1_sec" + "ret_abc",
        "zoe@example.com",
        "4242 4242 4242 4242",
        "4242424242424242",
    ],
)
def test_what_must_never_be_logged_is_taken_out(capsys: Capture, planted: str) -> None:
    log = telemetry("never")
    log.fact("x", order_id=planted, other=f"before {planted} after")
    text = capsys.readouterr().out
    assert planted not in text
    assert json.loads(text)["order_id"] == REDACTED


@pytest.mark.parametrize(
    "kept",
    [
        "evt_1QabcDEF1234567890123456",
        "pay_0123456789012345678901",
        "2026-11-22T12:00:00.123456+00:00",
        "/v1/payment_intents/{id}",
        "paidonce/dev/stripe/keys/payments",
        "1-5759e988-bd862e3fe1be46a994272793",
        "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    ],
)
def test_ids_times_and_names_are_kept(capsys: Capture, kept: str) -> None:
    telemetry("kept").fact("x", value=kept)
    assert lines(capsys)[0]["value"] == kept


def test_the_fake_keeps_what_the_adapter_writes(capsys: Capture) -> None:
    fake, real = FakeTelemetry(), telemetry("contract")
    ports: list[Telemetry] = [fake, real]
    for port in ports:
        port.count("EventsApplied")
        port.count("EventsApplied", 2)
        port.fact("fact", event_id="evt_1", seconds=1.5, none=None)
        port.fault("fault", TryAgain("x"), event_id="evt_1")
        with port.correlated("cor-1"):
            port.fact("correlated")
    real.flush()
    fact, fault, correlated, metrics = lines(capsys)
    assert fake.counts == {"EventsApplied": 3}
    assert metrics["EventsApplied"] == [3]
    assert fake.facts == [
        ("fact", {"event_id": "evt_1", "seconds": 1.5, "none": None}),
        ("correlated", {"correlation_id": "cor-1"}),
    ]
    assert (correlated["message"], correlated["correlation_id"]) == ("correlated", "cor-1")
    assert (fact["message"], fact["event_id"], fact["seconds"]) == ("fact", "evt_1", 1.5)
    assert fake.faults == [("fault", "TryAgain", {"event_id": "evt_1"})]
    written = (fault["message"], fault["error_class"], fault["event_id"])
    assert written == ("fault", "TryAgain", "evt_1")
