"""What the routes work with: made once by `wiring.py`, or by a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.use_cases.ports import Clock, Telemetry
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import TakePayment


@dataclass(frozen=True, kw_only=True)
class Services:
    """The use cases, and the settings of the stage that a route shows or needs.

    `answer` makes the HTTP answer of an error and a request id. `scope_prefix` is what the token's
    issuer may put before a scope.
    """

    take_payment: TakePayment
    read_payment: ReadPayment
    clock: Clock
    telemetry: Telemetry
    answer: Callable[[BaseException, str], dict[str, Any]]
    settings: Mapping[str, str]
    user_claim: str
    scope_prefix: str
    request_deadline_seconds: float
