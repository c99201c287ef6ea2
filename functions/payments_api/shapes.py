"""Requests and answers of the payments routes, as pydantic checks them and OpenAPI shows them.

A field's description is also the sentence that a caller reads when the field is wrong.
"""

from typing import Annotated, Literal

from paidonce.domain.currency import CURRENCIES
from paidonce.domain.money import AMOUNT_MINOR_MAX
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)

# Stripe's limits of metadata, less our own four marks (https://docs.stripe.com/api/metadata).
NOTES_MAX = 46
_INPUT = ConfigDict(extra="forbid", strict=True, frozen=True)
_ANSWER = ConfigDict(frozen=True)

OrderId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="must be 1 to 200 visible ASCII characters",
    ),
]
UserId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="must be 1 to 255 visible ASCII characters",
    ),
]
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_NOTE_NAME = r"^[^\[\]\x00-\x1f\x7f]+$"


def _not_ours(name: str) -> str:
    if name.startswith("paidonce_"):
        raise ValueError("the marks of Paid Once are its own")
    return name


NoteName = Annotated[
    str, StringConstraints(pattern=_NOTE_NAME, max_length=40), AfterValidator(_not_ours)
]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_ONE_LINE)]
Notes = Annotated[
    dict[NoteName, Note],
    Field(max_length=NOTES_MAX),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": NOTES_MAX,
            "propertyNames": {
                "pattern": _NOTE_NAME,
                "maxLength": 40,
                "not": {"pattern": "^paidonce_"},
            },
            "additionalProperties": {
                "type": "string",
                "minLength": 1,
                "maxLength": 500,
                "pattern": _ONE_LINE,
            },
        }
    ),
]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=_ONE_LINE)]
CustomerId = Annotated[str, StringConstraints(pattern=r"^cus_[A-Za-z0-9_]{1,250}$")]


_CODES: list[JsonValue] = [*sorted(CURRENCIES)]


def _amounts_by_currency() -> list[JsonValue]:
    """What `chargeable` refuses, in JSON Schema's words: the least amount and step of each."""
    groups = sorted({(rules.least, rules.step) for rules in CURRENCIES.values()} - {(1, 1)})
    return [
        {
            "if": {
                "properties": {
                    "currency": {
                        "enum": [
                            code
                            for code in sorted(CURRENCIES)
                            if (CURRENCIES[code].least, CURRENCIES[code].step) == (least, step)
                        ]
                    }
                }
            },
            "then": {"properties": {"amount_minor": {"minimum": least, "multipleOf": step}}},
        }
        for least, step in groups
    ]


class NewPayment(BaseModel):
    """What to charge for an order; prices (`items`) instead of an amount come later."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"allOf": _amounts_by_currency()})

    order_id: OrderId
    amount_minor: int = Field(
        ge=1,
        le=AMOUNT_MINOR_MAX,
        description=f"must be a whole number of minor units from 1 to {AMOUNT_MINOR_MAX}",
    )
    currency: str = Field(
        pattern=r"^[a-z]{3}$",
        description="must be a currency that Stripe charges in, as three small letters",
        json_schema_extra={"enum": _CODES},
    )
    user_id: UserId | None = Field(
        default=None,
        description="must be 1 to 255 visible ASCII characters, and needs payments:any",
    )
    customer_id: CustomerId | None = Field(
        default=None, description="must be an id of Stripe's, cus_…, and needs payments:any"
    )
    capture: Literal["automatic", "manual"] = Field(
        default="automatic", description="must be automatic or manual"
    )
    description: Description | None = Field(
        default=None, description="must be 1 to 1000 characters without line breaks"
    )
    metadata: Notes = Field(
        default_factory=dict,
        description=(
            f"must be at most {NOTES_MAX} texts of 1 to 500 characters under names of 1 to 40, "
            "without brackets or line breaks and not beginning with paidonce_"
        ),
    )


class LastError(BaseModel):
    """Why the last attempt failed, in words for the shopper."""

    model_config = _ANSWER

    code: str | None
    decline_code: str | None
    message: str


class RefundLine(BaseModel):
    """One refund of a payment."""

    model_config = _ANSWER

    id: str
    amount_minor: int
    status: str
    reason: str | None


class DisputeLine(BaseModel):
    """One dispute of a payment."""

    model_config = _ANSWER

    id: str
    status: str
    reason: str | None
    amount_minor: int
    due_by: str | None


class PaymentView(BaseModel):
    """A payment as the API shows it."""

    model_config = _ANSWER

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
    fraud_warning: dict[str, str] | None
    customer_id: str | None
    last_error: LastError | None
    version: int
    created_at: str
    updated_at: str


class TakenPayment(BaseModel):
    """A payment and the secret with which the shopper's browser confirms it, while it is open."""

    model_config = _ANSWER

    payment: PaymentView
    client_secret: str | None


class UnknownPayment(BaseModel):
    """A payment of which Stripe's answer is not known yet."""

    model_config = _ANSWER

    payment: PaymentView
    message: str


class OnePayment(BaseModel):
    """A payment."""

    model_config = _ANSWER

    payment: PaymentView


class Payments(BaseModel):
    """The payments of an order; `next` is where a longer list goes on."""

    model_config = _ANSWER

    payments: list[PaymentView]
    next: str | None


class ClientSecret(BaseModel):
    """What Stripe.js needs to confirm a payment."""

    model_config = _ANSWER

    client_secret: str


class Settings(BaseModel):
    """What a checkout page must know of a stage."""

    model_config = _ANSWER

    publishable_key: str
    stage: str


class Refusal(BaseModel):
    """Why a request was refused: `code` is stable, `fields` says which fields are wrong and how."""

    model_config = _ANSWER

    code: str
    message: str
    request_id: str
    fields: dict[str, str] | None = None


class Refused(BaseModel):
    """Every error of our functions."""

    model_config = _ANSWER

    error: Refusal


class GatewayRefused(BaseModel):
    """What API Gateway answers on its own."""

    model_config = _ANSWER

    message: str
