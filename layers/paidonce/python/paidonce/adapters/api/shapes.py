"""What more than one function of the API takes and answers, as pydantic and OpenAPI have it.

A field's description is also the sentence that a caller reads when the field is wrong.
"""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel, ConfigDict

# Requests: unknown fields are refused, and no text is taken for a number.
INPUT = ConfigDict(extra="forbid", strict=True, frozen=True)
ANSWER = ConfigDict(frozen=True)

_KEY = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=255,
    pattern=r"^[!-~]([ -~]*[!-~])?$",
    description="one for each thing that is wanted; the same when a request is repeated",
)
# `idempotent.py` finds it by the name of the argument, `idempotency_key`.
IdempotencyKey = Annotated[str, _KEY]
# For a DELETE, which comes to the same however often it is asked for.
OptionalIdempotencyKey = Annotated[str | None, _KEY]


class LastError(BaseModel):
    """Why the last attempt failed, in words for the shopper."""

    model_config = ANSWER

    code: str | None
    decline_code: str | None
    message: str


class RefundLine(BaseModel):
    """One refund of a payment."""

    model_config = ANSWER

    id: str
    amount_minor: int
    status: str
    reason: str | None


class DisputeLine(BaseModel):
    """One dispute of a payment."""

    model_config = ANSWER

    id: str
    status: str
    reason: str | None
    amount_minor: int
    due_by: str | None


class FraudWarningView(BaseModel):
    """A card network's early warning; `actionable` until it is refunded or disputed."""

    model_config = ANSWER

    id: str
    fraud_type: str
    actionable: bool
    charge: str | None


class PaymentView(BaseModel):
    """A payment as the API shows it."""

    model_config = ANSWER

    id: str
    order_id: str
    user_id: str | None
    status: Literal[
        "pending", "requires_action", "processing", "failed", "authorized", "paid", "canceled"
    ]
    amount_minor: int
    currency: str
    payment_intent_id: str | None
    charge_id: str | None
    amount_captured_minor: int
    amount_refunded_minor: int
    refunds: list[RefundLine]
    disputes: list[DisputeLine]
    fraud_warning: FraudWarningView | None
    customer_id: str | None
    last_error: LastError | None
    version: int
    created_at: str
    updated_at: str


class Refusal(BaseModel):
    """Why a request was refused: `code` is stable, `fields` says which fields are wrong and how."""

    model_config = ANSWER

    code: str
    message: str
    request_id: str
    fields: dict[str, str] | None = None


class Refused(BaseModel):
    """Every error of our functions."""

    model_config = ANSWER

    error: Refusal


class GatewayRefused(BaseModel):
    """What API Gateway answers on its own."""

    model_config = ANSWER

    message: str
