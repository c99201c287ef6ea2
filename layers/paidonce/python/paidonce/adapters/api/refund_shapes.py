"""Requests and answers of the refunds routes."""

from typing import Literal

from pydantic import BaseModel, Field

from paidonce.adapters.api.shapes import ANSWER, INPUT, PaymentView
from paidonce.domain.money import AMOUNT_MINOR_MAX


class NewRefund(BaseModel):
    """What to give back of a payment: a part, or all that is left of it."""

    model_config = INPUT

    payment_id: str = Field(
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="must be the payment's id, pay_…",
    )
    amount_minor: int | None = Field(
        default=None,
        ge=1,
        le=AMOUNT_MINOR_MAX,
        description=f"must be a whole number of minor units from 1 to {AMOUNT_MINOR_MAX}, or left "
        "out for all that is left",
    )
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = Field(
        default=None, description="must be duplicate, fraudulent or requested_by_customer"
    )


class RefundView(BaseModel):
    """A refund as the API shows it."""

    model_config = ANSWER

    id: str
    payment_id: str
    stripe_refund_id: str | None
    amount_minor: int
    currency: str
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    reason: str | None


class MadeRefund(BaseModel):
    """A refund, and the payment that it is part of."""

    model_config = ANSWER

    refund: RefundView
    payment: PaymentView


class UnknownRefund(BaseModel):
    """A refund of which Stripe's answer is not known yet; its amount is held back meanwhile."""

    model_config = ANSWER

    refund: RefundView
    payment: PaymentView
    message: str


class OneRefund(BaseModel):
    """A refund."""

    model_config = ANSWER

    refund: RefundView
