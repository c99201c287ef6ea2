"""Every operation of the OpenAPI document, called by schemathesis with many data and tokens.

Its checks: no 5xx, no status, content type, header or body that the document does not tell of, and
what the document calls wrong is refused. What API Gateway answers on its own (401, 403, 429) is in
the document as `GatewayRefused`.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from local.endpoints import SCOPES
from local.shop import Shop

HERE = Path(__file__).parent
SHOPPER = (
    *("payments:read", "payments:write", "payments:amount", "refunds:read"),
    *("customers:read", "customers:write", "subscriptions:read", "subscriptions:write"),
)
# Methods that no route has are API Gateway's to refuse (404), before any code of ours.
CONFIG = """
[phases.coverage]
unexpected-methods = []

[checks]
unsupported_method.enabled = false
# DELETE ends a subscription; it stays to be seen, as at Stripe.
use_after_free.enabled = false
# `refused_for_a_reason` (openapi_hooks.py) knows which 400 a well-formed request may get.
positive_data_acceptance.enabled = false
"""


@dataclass(frozen=True)
class Kind:
    """A kind of token, and how much is asked with it."""

    scopes: Sequence[str] | None
    phases: str
    examples: int


KINDS = {
    "all scopes": Kind(SCOPES, "coverage,fuzzing,stateful", 8),
    "a shopper": Kind(SHOPPER, "coverage,fuzzing,stateful", 5),
    "few scopes": Kind(("payments:read",), "fuzzing", 6),
    "none": Kind(None, "fuzzing", 3),
}


@pytest.fixture(scope="module")
def real_ids(shop: Shop) -> dict[str, str]:
    """One of each thing that has an id, all of the user `anna`."""
    return things_of(shop, "anna")


def things_of(shop: Shop, user_id: str) -> dict[str, str]:
    """Ids by what they are of, or by the one operation that they are for (openapi_hooks.py)."""
    prices = shop.stripe.v1.prices
    once = prices.create({"currency": "usd", "unit_amount": 900, "product_data": {"name": "Tea"}})
    monthly = prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "product_data": {"name": "Club"},
            "recurring": {"interval": "month"},
        }
    )
    customer = made(shop, "/customers", {"user_id": user_id})["customer"]["id"]
    items = [{"price": monthly.id, "quantity": 1}]
    subscriptions = [
        made(shop, "/subscriptions", {"customer_id": customer, "items": items})["subscription"]
        for _ in range(2)
    ]
    paid, held, canceled, pending = (
        shop.new_payment(user_id=user_id, amount_minor=1_000_000, capture=capture)
        for capture in ("automatic", "manual", "automatic", "automatic")
    )
    shop.confirm(paid["payment_intent_id"])
    shop.confirm(held["payment_intent_id"])
    shop.payment_when(held["id"], "authorized")
    shop.payment_when(paid["id"], "paid")
    refund = made(shop, "/refunds", {"payment_id": paid["id"], "amount_minor": 100})["refund"]
    return {
        "payments": pending["id"],
        "POST /payments/{id}/capture": held["id"],
        "POST /payments/{id}/cancel": canceled["id"],
        "refundable": paid["id"],
        "refunds": refund["id"],
        "customers": customer,
        "subscriptions": subscriptions[0]["id"],
        "DELETE /subscriptions/{id}": subscriptions[1]["id"],
        "price": once.id,
        "monthly": monthly.id,
    }


def made(shop: Shop, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    found: dict[str, Any] = (
        shop.http.post(path, json=body, headers=headers).raise_for_status().json()
    )
    return found


@pytest.mark.parametrize("name", KINDS)
def test_every_answer_is_as_documented(
    name: str, cloud: LocalCloud, shop: Shop, real_ids: dict[str, str], tmp_path: Path
) -> None:
    kind = KINDS[name]
    token = None if kind.scopes is None else cloud.token(kind.scopes, sub="anna")
    report = run(shop.endpoints["api_url"], kind, token, real_ids, tmp_path)
    document = shop.http.get("/openapi.json").json()
    operations = {
        f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found
    }
    # schemathesis leaves out the route that it reads the document from.
    assert report["operations"]["tested"] == len(operations) - 1
    if name == "all scopes":
        # No test of refusals alone: but for what only Stripe can sign, each did what it is for.
        assert accepted(report) == {
            operation
            for operation in operations - {"GET /openapi.json"}
            if "/webhooks/" not in operation
        }


def run(
    api_url: str, kind: Kind, token: str | None, real_ids: dict[str, str], folder: Path
) -> dict[str, Any]:
    """What schemathesis reports; fails with all that it found, which names no token."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", f"{api_url}/openapi.json", "--url", api_url),
        *(() if token is None else ("--header", f"Authorization: Bearer {token}")),
        *("--phases", kind.phases, "--max-examples", str(kind.examples), "--seed", "1"),
        *("--generation-database", "none", "--continue-on-failure", "--warnings", "off"),
        *("--report", "json", "--report-json-path", "report.json", "--no-color"),
    ]
    settings = {
        "SCHEMATHESIS_HOOKS": "openapi_hooks",
        "PYTHONPATH": str(HERE),
        "OPENAPI_REAL_IDS": json.dumps(real_ids),
        # Keys and orders of one run are not those of another.
        "OPENAPI_RUN": secrets.token_hex(4),
    }
    done = subprocess.run(  # noqa: S603 - our own words
        command,
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def accepted(report: dict[str, Any]) -> set[str]:
    """The operations that answered 2xx to something well-formed."""
    return {
        operation
        for operation, phases in report["valid_rates"].items()
        if any(phase["accepted"] for phase in phases.values())
    }
