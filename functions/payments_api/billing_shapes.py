"""Requests and answers of customers, subscriptions and sessions.

A field's description is also the sentence that a caller reads when the field is wrong.
"""

from typing import Annotated

from paidonce.adapters.api.shapes import ANSWER, INPUT, LastError
from paidonce.domain.price import ITEMS_MAX, QUANTITY_MAX
from paidonce.domain.return_url import URL_LENGTH_MAX, URL_PATTERN
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from payments_api.shapes import CustomerId, OrderId, PaymentItem, UserId

# Stripe takes trials of up to two years.
TRIAL_DAYS_MAX = 730
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
# As browsers check an e-mail address (HTML, input type=email), with a domain of two labels.
_EMAIL = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~\-]+@{_LABEL}(\.{_LABEL})+$"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"

Url = Annotated[str, StringConstraints(max_length=URL_LENGTH_MAX, pattern=URL_PATTERN)]
_URL_SENTENCE = (
    f"must be an https:// address of at most {URL_LENGTH_MAX} characters; http://localhost and "
    "http://127.0.0.1 do in a test stage"
)


class NewCustomer(BaseModel):
    """Whose customer to make at Stripe."""

    model_config = INPUT

    user_id: UserId = Field(description="must be 1 to 255 visible ASCII characters")
    email: Annotated[str, StringConstraints(max_length=254, pattern=_EMAIL)] | None = Field(
        default=None, description="must be an e-mail address of at most 254 characters"
    )
    name: Annotated[str, StringConstraints(max_length=256, pattern=_ONE_LINE)] | None = Field(
        default=None, description="must be 1 to 256 characters without line breaks"
    )


class CustomerView(BaseModel):
    """A customer as the API shows it."""

    model_config = ANSWER

    id: str
    user_id: str | None
    email: str | None
    name: str | None
    deleted: bool
    version: int
    created_at: str
    updated_at: str


class OneCustomer(BaseModel):
    """A customer."""

    model_config = ANSWER

    customer: CustomerView


class NewPortalSession(BaseModel):
    """Whose portal to open, and where its page leads back to."""

    model_config = INPUT

    customer_id: CustomerId = Field(description="must be a customer's id, cus_…")
    return_url: Url = Field(description=_URL_SENTENCE)


def _each_price_once(items: list[PaymentItem]) -> list[PaymentItem]:
    if len({item.price for item in items}) != len(items):
        raise ValueError("a price stands twice")
    return items


Items = Annotated[
    list[PaymentItem],
    # `_each_price_once`, as far as JSON Schema has words for it.
    Field(min_length=1, max_length=ITEMS_MAX, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_price_once),
]
_ITEMS_SENTENCE = (
    f"must be 1 to {ITEMS_MAX} different prices (price_…), each with a quantity of 1 to "
    f"{QUANTITY_MAX}"
)


class NewCheckoutSession(BaseModel):
    """What to pay for on Stripe's own page, and where the page leads back to."""

    model_config = INPUT

    order_id: OrderId
    items: Items = Field(description=_ITEMS_SENTENCE)
    success_url: Url = Field(description=_URL_SENTENCE)
    cancel_url: Url = Field(description=_URL_SENTENCE)


class SessionView(BaseModel):
    """A page at Stripe: send the shopper to `url` now, and keep it nowhere."""

    model_config = ANSWER

    id: str
    url: str


class NotKnownYet(BaseModel):
    """Stripe's answer is not known yet: the same request again ends it."""

    model_config = ANSWER

    message: str


class NewSubscription(BaseModel):
    """What a customer subscribes to."""

    model_config = INPUT

    customer_id: CustomerId = Field(description="must be a customer's id, cus_…")
    items: Items = Field(description=_ITEMS_SENTENCE)
    trial_days: int | None = Field(
        default=None,
        ge=1,
        le=TRIAL_DAYS_MAX,
        description=f"must be a whole number of days from 1 to {TRIAL_DAYS_MAX}",
    )


class SubscriptionChange(BaseModel):
    """What to change: all items that it shall have, or whether it ends with its period."""

    model_config = INPUT | ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["items"], "properties": {"items": {"type": "array"}}},
                {
                    "required": ["cancel_at_period_end"],
                    "properties": {"cancel_at_period_end": {"type": "boolean"}},
                },
            ]
        }
    )

    items: Items | None = Field(default=None, description=_ITEMS_SENTENCE)
    cancel_at_period_end: bool | None = Field(
        default=None, description="must be true, or false to go on after all"
    )


class ItemView(BaseModel):
    """So many of one price."""

    model_config = ANSWER

    price: str
    quantity: int


class InvoiceView(BaseModel):
    """An invoice; `status` is Stripe's, null where it is not known yet."""

    model_config = ANSWER

    id: str
    status: str | None


class SubscriptionView(BaseModel):
    """A subscription as the API shows it; `entitled` says whether it may be used now.

    `entitled_until`: when that ends by itself, if nothing is paid. `last_error`: why the latest
    invoice, a renewal's, could not be paid yet, with what the customer should do.
    """

    model_config = ANSWER

    id: str
    customer_id: str
    user_id: str | None
    status: str
    entitled: bool
    entitled_until: str | None
    items: list[ItemView]
    current_period_end: str | None
    cancel_at_period_end: bool
    trial_end: str | None
    latest_invoice: InvoiceView | None
    last_error: LastError | None
    version: int
    created_at: str
    updated_at: str


class OneSubscription(BaseModel):
    """A subscription."""

    model_config = ANSWER

    subscription: SubscriptionView


class NewlySubscribed(BaseModel):
    """A subscription, and with what a browser confirms its first payment or sets its card up."""

    model_config = ANSWER

    subscription: SubscriptionView
    client_secret: str | None
