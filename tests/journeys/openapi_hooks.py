"""What schemathesis is told of this API: what exists, and why well-formed requests are refused.

It is loaded by schemathesis in a process of its own (`test_openapi.py` starts it).
"""

import json
import os
from collections import defaultdict
from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# Ids by what they are of, or for one operation only: {"payments": "pay_…", "price": "price_…",
# "POST /payments/{id}/cancel": "pay_…", …}.
REAL: dict[str, str] = json.loads(os.environ["OPENAPI_REAL_IDS"])
RUN = os.environ["OPENAPI_RUN"]

_numbers = count()
_turns: "defaultdict[str, count[int]]" = defaultdict(count)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - the hook's shape
    """A well-formed request gets a key of its own, and every second one names what exists."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number = next(_numbers)
    if "idempotency-key" in case.headers:
        case.headers["idempotency-key"] = f"{RUN}-{number}"
    # The first of each operation, so that each does what it is for.
    if next(_turns[case.operation.label]) % 2:
        return
    if "id" in case.path_parameters:
        # What ends a thing has one of its own to end, so that the others find theirs.
        case.path_parameters["id"] = REAL.get(case.operation.label) or REAL[case.path.split("/")[1]]
    if isinstance(case.body, dict):
        case.body = _with_real_ids(case.body, number, monthly="/subscriptions" in case.path)


def _with_real_ids(body: dict[str, Any], number: int, *, monthly: bool) -> dict[str, Any]:
    real = {
        "customer_id": REAL["customers"],
        "payment_id": REAL["refundable"],
        "order_id": f"{RUN}-{number}",
    }
    named = {name: real.get(name, value) for name, value in body.items()}
    if isinstance(body.get("items"), list):
        price = REAL["monthly" if monthly else "price"]
        named["items"] = [body["items"][0] | {"price": price}]
    return named


@schemathesis.check
def refused_for_a_reason(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 - the check's shape
    """A well-formed request is 400 only for what its schema cannot say."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_positive or response.status_code != 400:
        return
    error = response.json()["error"]
    if error["code"] == "signature_invalid":
        return
    fields = error.get("fields", {})
    if fields and all(_has_reason(field, said, case.body) for field, said in fields.items()):
        return
    raise AssertionError(f"a well-formed request was refused: {error}")


def _has_reason(field: str, said: str, body: object) -> bool:
    """Is this about what is sold or was authorised, or about what JSON Schema has no words for?"""
    return (
        said == "is not a known price"
        or (field == "amount_minor" and said.startswith("must be at most "))
        or (field == "items" and _named_twice(body))
        or _is_float(body, field)
    )


def _named_twice(body: object) -> bool:
    """The same price twice, with another quantity."""
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        return False
    prices = [item.get("price") for item in items]
    return len(set(prices)) < len(prices)


def _is_float(body: object, field: str) -> bool:
    """To JSON Schema `5.0` is an integer; amounts and quantities are taken without a point only."""
    found: Any = body
    for name in field.split("."):
        found = found[int(name) if isinstance(found, list) else name]
    return isinstance(found, float)
