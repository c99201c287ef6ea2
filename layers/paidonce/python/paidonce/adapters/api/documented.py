"""The answers of a route as OpenAPI shows them."""

from typing import Any

from pydantic import BaseModel

from paidonce.adapters.api.shapes import GatewayRefused, Refused

_GATEWAY = "API Gateway's own answer"
_REFUSALS: dict[int, str] = {
    400: "`invalid_request` (with `fields`), `idempotency_key_missing`",
    402: "`card_declined`: the sentence is for the shopper",
    404: "`not_found`: there is no such object, or it is another's",
    409: "`idempotency_conflict`, `order_in_progress`, `state_conflict`; "
    "`idempotency_in_progress`: the first request with this key is under way, come back after "
    "Retry-After",
    413: "`too_large`",
    500: "`internal`: our mistake",
    503: "`payments_blocked`, `not_configured`, `try_again` …: come back after Retry-After",
}
_BY_EITHER: dict[int, str] = {
    403: "`forbidden`: the token lacks a scope, or names no caller",
    429: "`slow_down`: come back after Retry-After",
}


def answers(made: dict[int, tuple[str, type[BaseModel]]], *refused: int) -> dict[int, Any]:
    """What a route answers: (sentence, shape) by status, and the statuses of its refusals."""
    documented = {status: _answer(text, shape) for status, (text, shape) in made.items()}
    for status in sorted(refused):
        if status in _REFUSALS:
            documented[status] = _answer(_REFUSALS[status], Refused)
        elif status in _BY_EITHER:
            documented[status] = _either(f"{_BY_EITHER[status]}; or {_GATEWAY}")
        else:
            documented[status] = _answer(_GATEWAY, GatewayRefused)
    return documented


def _answer(text: str, shape: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"model": shape}}}


def _either(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"model": Refused | GatewayRefused}},
    }
