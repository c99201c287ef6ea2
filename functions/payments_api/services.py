"""What the routes work with: made once by `wiring.py`, or by a test."""

from collections.abc import Mapping
from dataclasses import dataclass

from paidonce.adapters.api.exchange import ApiServices
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.capture_payment import CapturePayment
from paidonce.use_cases.catalogue import LookUpPrices
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import TakePayment

from payments_api.billing import Billing


@dataclass(frozen=True, kw_only=True)
class Services(ApiServices):
    """The use cases, and the settings of the stage that a route shows."""

    take_payment: TakePayment
    capture_payment: CapturePayment
    cancel_payment: CancelPayment
    read_payment: ReadPayment
    prices: LookUpPrices
    billing: Billing
    settings: Mapping[str, str]
