"""Errors as HTTP answers: one table of statuses, one shape of body (api.md section 1)."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from paidonce.domain import errors

T = TypeVar("T")

# The most exact class of an error's ancestors decides. Statuses of 5xx make Stripe deliver again.
STATUS_OF: Mapping[type[Exception], int] = {
    errors.Rejected: 400,
    errors.InvalidRequest: 400,
    errors.SignatureInvalid: 400,
    errors.IdempotencyKeyMissing: 400,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.IdempotencyConflict: 409,
    errors.OrderInProgress: 409,
    errors.StateConflict: 409,
    errors.TooLarge: 413,
    errors.CardDeclined: 402,
    errors.StripeRefused: 400,
    errors.SlowDown: 429,
    errors.TryAgain: 503,
    errors.OutcomeUnknown: 503,
    errors.KeyRefused: 503,
    errors.NotConfigured: 503,
    errors.IdempotencyInProgress: 409,
    Exception: 500,
}

# For errors whose own text is for our logs' readers.
_MESSAGE_OF: Mapping[type[Exception], str] = {
    errors.StripeRefused: "The request could not be processed. Quote the request id to support.",
    errors.TryAgain: "The service is busy. Please try again in a moment.",
    errors.OutcomeUnknown: "The outcome is not known yet. Ask again with the same key.",
    errors.KeyRefused: "Payments are blocked at the moment. Nothing was charged.",
    errors.NotConfigured: "This stage has no Stripe keys yet.",
    Exception: "Something went wrong on our side. Quote the request id to support.",
}

# An operator has to act first, so asking sooner than in a minute is no use.
_RETRY_AFTER_SECONDS: Mapping[type[Exception], int] = {
    errors.TryAgain: 2,
    errors.KeyRefused: 60,
    errors.NotConfigured: 60,
}


def respond(
    status: int, document: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A JSON answer in the shape that API Gateway (v1, v2) and function URLs take from a Lambda."""
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            **(headers or {}),
        },
        "body": json.dumps(document, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def answer(error: BaseException, request_id: str) -> dict[str, Any]:
    """The answer for an error; one that is not ours becomes 500 `internal` without its text."""
    headers = {}
    wait_seconds = _retry_after_seconds(error)
    if wait_seconds is not None:
        headers["retry-after"] = str(wait_seconds)
    return respond(
        status_of(error), {"error": describe(error, request_id=request_id)}, headers=headers
    )


def status_of(error: BaseException) -> int:
    """The HTTP status of an error."""
    status = _by_class(STATUS_OF, error)
    return 500 if status is None else status


def describe(error: BaseException, *, request_id: str) -> dict[str, Any]:
    """What stands under `error` in the body: code, message, request_id, and fields if there are."""
    told: dict[str, Any] = {
        "code": error.code if isinstance(error, errors.PaidOnceError) else "internal",
        "message": _message_of(error),
        "request_id": request_id,
    }
    if isinstance(error, errors.InvalidRequest) and error.fields:
        told["fields"] = error.fields
    return told


def _message_of(error: BaseException) -> str | None:
    """Their own text for errors that were written for the caller, ours for all others."""
    is_told = isinstance(error, (errors.Rejected, errors.SlowDown, errors.IdempotencyInProgress))
    if is_told and not isinstance(error, errors.StripeRefused):
        return str(error)
    return _by_class(_MESSAGE_OF, error)


def _retry_after_seconds(error: BaseException) -> int | None:
    if isinstance(error, errors.SlowDown):
        return error.retry_after_seconds
    if isinstance(error, errors.KeyRefused) and error.retry_after_seconds is not None:
        return error.retry_after_seconds
    return _by_class(_RETRY_AFTER_SECONDS, error)


def _by_class(table: Mapping[type[Exception], T], error: BaseException) -> T | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)
