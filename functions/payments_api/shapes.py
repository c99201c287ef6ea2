"""Requests and answers of the payments routes, as pydantic checks them and OpenAPI shows them.

A field's description is also the sentence that a caller reads when the field is wrong.
"""

from typing import Annotated, Literal, TypeVar

from paidonce.adapters.api.refusals import BESIDE_ITEMS
from paidonce.adapters.api.shapes import ANSWER as _ANSWER
from paidonce.adapters.api.shapes import INPUT as _INPUT
from paidonce.adapters.api.shapes import PaymentView
from paidonce.domain.currency import CURRENCIES
from paidonce.domain.money import AMOUNT_MINOR_MAX
from paidonce.domain.price import ITEMS_MAX, QUANTITY_MAX
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

# Stripe's limits of metadata, less our own six marks (https://docs.stripe.com/api/metadata).
NOTES_MAX = 44

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


# As the gateway takes ids of Stripe's into a path; prices that were plans have names of their own.
PriceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]
AnyValue = TypeVar("AnyValue")

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


class PaymentItem(BaseModel):
    """So many of one price, which is paid once."""

    model_config = _INPUT

    price: PriceId
    quantity: int = Field(ge=1, le=QUANTITY_MAX)


AmountMinor = Annotated[int, Field(ge=1, le=AMOUNT_MINOR_MAX)]
CurrencyCode = Annotated[
    str, Field(pattern=r"^[a-z]{3}$"), WithJsonSchema({"type": "string", "enum": _CODES})
]
# Prices or an amount, and never both: what `_of_one_form` refuses, in JSON Schema's words.
_FORMS: list[JsonValue] = [
    {
        "required": ["items"],
        "properties": {
            "items": {"type": "array"},
            "amount_minor": {"type": "null"},
            "currency": {"type": "null"},
        },
    },
    {
        "required": ["amount_minor", "currency"],
        "properties": {
            "items": {"type": "null"},
            "amount_minor": {"type": "integer"},
            "currency": {"type": "string"},
        },
    },
]


class NewPayment(BaseModel):
    """What to charge for an order: prices (`items`), or an amount for callers who may name one."""

    model_config = _INPUT | ConfigDict(
        json_schema_extra={"oneOf": _FORMS, "allOf": _amounts_by_currency()}
    )

    order_id: OrderId
    items: Annotated[list[PaymentItem], Field(min_length=1, max_length=ITEMS_MAX)] | None = Field(
        default=None,
        description=f"must be 1 to {ITEMS_MAX} items, of a price and a quantity up to "
        f"{QUANTITY_MAX} each",
    )
    amount_minor: AmountMinor | None = Field(
        default=None,
        description=f"must be a whole number of minor units from 1 to {AMOUNT_MINOR_MAX}",
        validate_default=True,
    )
    currency: CurrencyCode | None = Field(
        default=None,
        description="must be a currency that Stripe charges in, as three small letters",
        validate_default=True,
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

    @field_validator("amount_minor", "currency")
    @classmethod
    def _of_one_form(cls, value: AnyValue, info: ValidationInfo) -> AnyValue:
        """Here and not for the whole model, so that all that is wrong is said at once."""
        if "items" in info.data and (info.data["items"] is None) is (value is None):
            raise PydanticCustomError("missing" if value is None else BESIDE_ITEMS, "see the type")
        return value


class Capture(BaseModel):
    """How much of an authorised payment to take; without an amount, all of it."""

    model_config = _INPUT

    amount_minor: int | None = Field(
        default=None,
        ge=1,
        le=AMOUNT_MINOR_MAX,
        description="must be a whole number of minor units, at most what was authorised",
    )


class Cancel(BaseModel):
    """Why a payment is canceled, in one of Stripe's words."""

    model_config = _INPUT

    reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = Field(
        default=None,
        description="must be duplicate, fraudulent, requested_by_customer or abandoned",
    )


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


class PriceView(BaseModel):
    """A price as the API shows it; `interval` is null for what is paid once."""

    model_config = _ANSWER

    id: str
    product: str
    name: str
    amount_minor: int
    currency: str
    interval: str | None


class Prices(BaseModel):
    """What is sold."""

    model_config = _ANSWER

    prices: list[PriceView]


class Settings(BaseModel):
    """What a checkout page must know of a stage."""

    model_config = _ANSWER

    publishable_key: str
    stage: str
