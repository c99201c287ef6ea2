"""One request on its way through the function: who asks, under which ids, until when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from paidonce.adapters.api.claims import read_caller
from paidonce.domain.caller import Caller
from paidonce.domain.correlation import is_sane_id
from paidonce.use_cases.ports import Clock, Telemetry

if TYPE_CHECKING:
    from paidonce.adapters.api.idempotent import StoredAnswers

# What an answer takes on its way out; the rest of Lambda's time is the request's.
_LAST_SECONDS = 1.0
_NAME = "exchange"


@dataclass(frozen=True, kw_only=True)
class ApiServices:
    """What every function of the API works with; its own use cases stand in a subclass.

    `answer` makes the HTTP answer of an error and a request id. `scope_prefix` is what the token's
    issuer may put before a scope.
    """

    clock: Clock
    telemetry: Telemetry
    answer: Callable[[BaseException, str], dict[str, Any]]
    stored_answers: "StoredAnswers"
    user_claim: str
    scope_prefix: str
    request_deadline_seconds: float


S = TypeVar("S", bound=ApiServices)


@dataclass(frozen=True, kw_only=True)
class Exchange(Generic[S]):
    """`ends_at`: the moment (seconds since 1970) at which the caller must have an answer."""

    services: S
    event: Mapping[str, Any]
    context: Any
    request_id: str
    correlation_id: str
    ends_at: float

    @classmethod
    def of(cls, event: Mapping[str, Any], context: Any, services: S) -> "Exchange[S]":
        """Read the ids of a request; nothing in it is trusted."""
        given = (event.get("requestContext") or {}).get("requestId")
        request_id = given if is_sane_id(given) else str(context.aws_request_id)
        headers = {str(k).lower(): v for k, v in (event.get("headers") or {}).items()}
        correlation_id = headers.get("x-correlation-id")
        remaining = context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
        return cls(
            services=services,
            event=event,
            context=context,
            request_id=request_id,
            correlation_id=correlation_id if is_sane_id(correlation_id) else request_id,
            ends_at=services.clock.now() + min(services.request_deadline_seconds, remaining),
        )

    def caller(self, *scopes: str) -> Caller:
        """Who asks. Raises Forbidden when no caller is named or one of the scopes is missing."""
        services = self.services
        caller = read_caller(
            self.event, user_claim=services.user_claim, scope_prefix=services.scope_prefix
        )
        caller.must(*scopes)
        return caller

    def time_left(self) -> float:
        """Seconds until the answer is due."""
        return self.ends_at - self.services.clock.now()


def put(router: BaseRouter, exchange: Exchange[Any]) -> None:
    """Lay the request where its route finds it; Powertools clears it afterwards."""
    router.append_context(**{_NAME: exchange})


def current(router: BaseRouter) -> Exchange[Any]:
    """The request that a route was called for."""
    return cast("Exchange[Any]", router.context[_NAME])
