"""Errors on their way out: what is wrong, in plain sentences, and one line in the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from paidonce.adapters.api.body import FIELDS_MAX, path_text
from paidonce.adapters.api.exchange import ApiServices, Exchange
from paidonce.domain.errors import (
    IdempotencyInProgress,
    IdempotencyKeyMissing,
    InvalidRequest,
    NotConfigured,
    PaidOnceError,
    Rejected,
    SlowDown,
    StripeRefused,
)

# A custom error of pydantic's, for a field that excludes `items`.
BESIDE_ITEMS = "beside_items"
_BESIDE_ITEMS = "must not stand beside items"
_UNKNOWN = "is not a field of this request"
_MISSING = "is required"
_WRONG = "is not what it must be"
_KEY_HEADER = "idempotency-key"


def not_valid(errors: Sequence[Mapping[str, Any]], sentences: Mapping[str, str]) -> Rejected:
    """Pydantic's findings as an error of ours; no value and no text of pydantic's is repeated.

    `sentences` says of each field what it must be.
    """
    fields: dict[str, str] = {}
    for found in errors:
        if len(fields) == FIELDS_MAX:
            break
        where, *path = found["loc"]
        if where == "header" and str(path[0]).lower() == _KEY_HEADER:
            return IdempotencyKeyMissing(
                "This needs the header Idempotency-Key, with 1 to 255 visible characters."
            )
        # `[key]` is how pydantic marks that a name is wrong, and not its value.
        inner = [part for part in path if part != "[key]"]
        fields.setdefault(path_text(inner), _sentence(found["type"], inner, sentences))
    return InvalidRequest("The request has fields that are missing or wrong.", fields=fields)


def _sentence(kind: str, path: Sequence[Any], sentences: Mapping[str, str]) -> str:
    if kind == "missing":
        return _MISSING
    name = str(path[0]) if path else "body"
    if kind == "extra_forbidden":
        return _UNKNOWN
    if kind == BESIDE_ITEMS:
        return _BESIDE_ITEMS
    return sentences.get(name, _WRONG)


def refusal(error: BaseException, exchange: Exchange[Any]) -> dict[str, Any]:
    """The answer for an error, which is logged here and nowhere else."""
    _log(error, exchange)
    services: ApiServices = exchange.services
    return services.answer(error, exchange.request_id)


def _log(error: BaseException, exchange: Exchange[Any]) -> None:
    services: ApiServices = exchange.services
    telemetry = services.telemetry
    ids: dict[str, str | None] = {
        "request_id": exchange.request_id,
        "correlation_id": exchange.correlation_id,
        "route": exchange.event.get("routeKey"),
    }
    if isinstance(error, StripeRefused):
        telemetry.fault(
            "stripe refused", error, stripe_code=error.stripe_code, param=error.param, **ids
        )
    elif isinstance(error, Rejected | SlowDown | IdempotencyInProgress):
        telemetry.fact("request refused", code=error.code, **ids)
    elif isinstance(error, NotConfigured):
        # The secret's name is logged once, by who reads it; a line a request would drown it.
        telemetry.count("NotConfigured")
    elif isinstance(error, PaidOnceError):
        telemetry.count("RequestsPutOff")
        telemetry.fault("request put off", error, code=error.code, **ids)
    else:
        telemetry.count("InternalErrors")
        telemetry.fault("request failed", error, **ids)
