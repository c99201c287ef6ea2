"""Errors as HTTP answers."""

import json
from typing import Any

import pytest
from paidonce.adapters.http import STATUS_OF, answer, describe, respond, status_of
from paidonce.domain import errors

CASES: list[tuple[Exception, int, str]] = [
    (errors.InvalidRequest("no body"), 400, "invalid_request"),
    (errors.SignatureInvalid("no"), 400, "signature_invalid"),
    (errors.IdempotencyKeyMissing("no key"), 400, "idempotency_key_missing"),
    (errors.Forbidden("no scope"), 403, "forbidden"),
    (errors.NotFound("no such payment"), 404, "not_found"),
    (errors.IdempotencyConflict("other body"), 409, "idempotency_conflict"),
    (errors.OrderInProgress("other content"), 409, "order_in_progress"),
    (errors.StateConflict("paid"), 409, "state_conflict"),
    (errors.TooLarge("5 MB"), 413, "too_large"),
    (errors.StripeRefused("Stripe refused"), 400, "invalid_request"),
    (errors.SlowDown("10 a minute", retry_after_seconds=17), 429, "slow_down"),
    (errors.KeyRefused("x", http_status=401), 503, "payments_blocked"),
    (errors.NotConfigured("x"), 503, "not_configured"),
    (errors.TryAgain("x"), 503, "try_again"),
    (errors.ChangedMeanwhile("pay_1"), 503, "changed_meanwhile"),
    (KeyError("bug"), 500, "internal"),
]


def all_errors(kind: type[Exception] = errors.PaidOnceError) -> set[type[Exception]]:
    return {kind}.union(*(all_errors(sub) for sub in kind.__subclasses__()))


def body(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer(error, "req-1")["body"])["error"]
    return told


@pytest.mark.parametrize(("error", "status", "code"), CASES)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answered = answer(error, "req-1")
    assert answered["statusCode"] == status_of(error) == status
    assert answered["headers"]["content-type"] == "application/json"
    assert body(error)["code"] == code
    assert body(error)["request_id"] == "req-1"
    assert body(error)["message"]


def test_every_error_of_ours_is_in_the_table_by_itself_or_by_its_branch() -> None:
    missing = [e for e in all_errors() if not any(k in STATUS_OF for k in e.__mro__[:-3])]
    assert missing in ([], [errors.PaidOnceError])


def test_rejections_are_4xx_and_the_rest_makes_stripe_deliver_again() -> None:
    """A webhook that is answered 4xx or 5xx comes again; 5xx says that it is not its fault."""
    for error, status, _ in CASES:
        is_ours = isinstance(error, errors.Rejected | errors.SlowDown)
        assert (400 <= status < 500) is is_ours


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.SlowDown("x", retry_after_seconds=17), "17"),
        (errors.NotConfigured("x"), "60"),
        (errors.KeyRefused("x", http_status=403), "60"),
        (errors.KeyRefused("x", http_status=401, retry_after_seconds=30), "30"),
        (errors.TryAgain("x"), "2"),
    ],
)
def test_who_may_come_back_is_told_when(error: Exception, seconds: str) -> None:
    assert answer(error, "r")["headers"]["retry-after"] == seconds


def test_a_rejection_is_not_worth_coming_back_for() -> None:
    for error in (errors.NotFound("x"), KeyError("x")):
        assert "retry-after" not in answer(error, "r")["headers"]


def test_an_internal_text_is_never_told() -> None:
    secret = "the table paidonce-prod-payments is throttled"
    for error in (
        errors.TryAgain(secret),
        errors.KeyRefused(secret, http_status=401),
        errors.StripeRefused(secret),
        errors.OutcomeUnknown(secret),
        errors.NotConfigured(secret),
        RuntimeError(secret),
    ):
        assert secret not in answer(error, "r")["body"]


def test_fields_say_where_a_request_is_wrong() -> None:
    error = errors.InvalidRequest("wrong", fields={"amount_minor": "a whole number"})
    assert describe(error, request_id="r")["fields"] == {"amount_minor": "a whole number"}
    assert "fields" not in describe(errors.InvalidRequest("wrong"), request_id="r")


def test_an_answer_is_never_cached_and_keeps_given_headers() -> None:
    answered = respond(200, {"received": True}, headers={"x-one": "1"})
    assert answered["headers"]["cache-control"] == "no-store"
    assert answered["headers"]["x-one"] == "1"
    assert json.loads(answered["body"]) == {"received": True}
