"""Stripe as the use cases ask it: one try for the worker, tries until a deadline for the API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_chain, wait_random

from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.stripe_calls import Call, CallFailed, Reply, StripeCalls
from paidonce.domain.errors import (
    FailureStored,
    InvalidRequest,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.invoice import WITH_ERROR
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import StripeCall
from paidonce.domain.stripe_event import StripeEvent
from paidonce.domain.subscription import failed_invoice_id
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.stripe_ports import Answer

# What a rule may name as its resource, or a function of ours lists, and where Stripe keeps it.
_PATH_OF = {
    "charge": "/v1/charges/{id}",
    "checkout.session": "/v1/checkout/sessions/{id}",
    "customer": "/v1/customers/{id}",
    "dispute": "/v1/disputes/{id}",
    "event": "/v1/events/{id}",
    "invoice": "/v1/invoices/{id}",
    "payment_intent": "/v1/payment_intents/{id}",
    "price": "/v1/prices/{id}",
    "product": "/v1/products/{id}",
    "radar.early_fraud_warning": "/v1/radar/early_fraud_warnings/{id}",
    "refund": "/v1/refunds/{id}",
    "subscription": "/v1/subscriptions/{id}",
    "webhook_endpoint": "/v1/webhook_endpoints/{id}",
}
# What an object must show whole for its rule: the invoice tells whether it may be used, and its
# payments why one failed.
_EXPAND_OF: Mapping[str, Sequence[str]] = {
    "invoice": (WITH_ERROR,),
    "subscription": ("latest_invoice",),
}
# A list inside an object that its rule needs whole: its field, its path, what it is asked for by.
_LIST_IN: Mapping[str, tuple[str, str, str]] = {
    "subscription": ("items", "/v1/subscription_items", "subscription"),
}
# More pages than that are left for another try; a subscription has 20 items at most.
_PAGES_MAX = 5
_LIST_OF = {name: path.removesuffix("/{id}") for name, path in _PATH_OF.items()}
# Stripe's own limit of a page.
_PAGE = 100
# An intent without one of these is no answer that the API can use.
_OF_AN_INTENT = ("id", "status", "client_secret")
_MUST_HAVE = {
    "create": _OF_AN_INTENT,
    "capture": ("id", "status"),
    "cancel": ("id", "status"),
    "refund": ("id", "status"),
    "subscription": ("id", "status"),
    "checkout": ("id", "url"),
    "portal": ("id", "url"),
    "endpoint": ("id", "secret"),
}
_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)

# Seconds between tries (design 3.5), a quarter more or less, so that callers do not march in step.
_WAITS_SECONDS = (1, 2, 4)
_WAIT = wait_chain(*(wait_random(seconds * 0.75, seconds * 1.25) for seconds in _WAITS_SECONDS))
# A try that has less time than this would only be cut off.
_TRY_SECONDS_MIN = 0.5


class StripeSdkReader:
    """The port `StripeReader`: one try each, inside the worker's share of Stripe's rate limit."""

    def __init__(self, calls: StripeCalls, *, budget: Budget, timeout_seconds: float) -> None:
        self._calls = calls
        self._budget = budget
        self._timeout_seconds = timeout_seconds

    def retrieve(self, resource: str, object_id: str) -> Sighting:
        """See `StripeReader.retrieve`."""
        reply = self._expanded(resource, object_id)
        found = self._whole(resource, reply.document)
        if resource == "subscription" and (invoice_id := failed_invoice_id(found)):
            # Five levels below a subscription, where `expand` ends after four.
            invoice = self._expanded("invoice", invoice_id).document
            found = {**found, "latest_invoice": invoice}
        # What the pages and the invoice show beside is no older than the object itself.
        return replace(reply, document=found).seen(Source.FETCH)

    def _expanded(self, resource: str, object_id: str) -> Reply:
        expand = _EXPAND_OF.get(resource)
        params = {"expand": list(expand)} if expand else {}
        return self._get(_PATH_OF[resource], object_id, params=params)

    def event(self, event_id: str) -> StripeEvent:
        """See `StripeReader.event`."""
        reply = self._get("/v1/events/{id}", event_id)
        try:
            return StripeEvent.from_document(reply.document)
        except InvalidRequest as error:
            raise TryAgain("Stripe answered something else than an event") from error

    def _whole(self, resource: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object with the list that its rule needs, all pages of it."""
        if resource not in _LIST_IN:
            return found
        name, path, asked_by = _LIST_IN[resource]
        shown = found.get(name) or {}
        rows = list(shown.get("data") or ())
        for _ in range(_PAGES_MAX):
            if not shown.get("has_more"):
                return {**found, name: {**shown, "data": rows}}
            page = {asked_by: found["id"], "limit": _PAGE, "starting_after": rows[-1]["id"]}
            more = Call(method="get", path=path, params=page, must_have=("data",))
            shown = self._reply(more).document
            rows += shown["data"]
        raise TryAgain(f"{found['id']} has more than {_PAGES_MAX} pages of {name}")

    def _get(self, path: str, object_id: str, *, params: Mapping[str, Any] | None = None) -> Reply:
        return self._reply(
            Call(
                method="get",
                path=path,
                object_id=_checked(object_id),
                params=params or {},
                may_be_absent=True,
            )
        )

    def _reply(self, call: Call) -> Reply:
        if not self._budget.take():
            raise TryAgain("this second's share of Stripe's rate limit is used up")
        try:
            return self._calls.send(call, timeout_seconds=self._timeout_seconds)
        except CallFailed as error:
            raise TryAgain("Stripe gave no usable answer") from error


class StripeSdkGateway:
    """The port `PaymentGateway`: tries again with the same key until the deadline.

    `budget` counts the API's calls and refuses none: a shopper waits for the answer.
    """

    def __init__(
        self,
        calls: StripeCalls,
        *,
        clock: Clock,
        telemetry: Telemetry,
        call_timeout_seconds: float,
        budget: Budget | None = None,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._telemetry = telemetry
        self._call_timeout_seconds = call_timeout_seconds
        self._budget = budget

    def create_intent(
        self, params: Mapping[str, Any], *, idempotency_key: str, time_left: TimeLeft
    ) -> Answer:
        """See `PaymentGateway.create_intent`."""
        call = Call(
            method="post",
            path="/v1/payment_intents",
            params=params,
            idempotency_key=idempotency_key,
            must_have=_OF_AN_INTENT,
        )
        try:
            return _answer(self._until_answered(call, time_left), Source.ANSWER)
        except CallFailed as error:
            raise _unknown(error, "Stripe may have made the payment intent") from error

    def intent(self, intent_id: str, *, time_left: TimeLeft) -> Answer:
        """See `PaymentGateway.intent`; nothing is at stake, so failure is TryAgain."""
        call = Call(
            method="get",
            path=_PATH_OF["payment_intent"],
            object_id=_checked(intent_id),
            must_have=_OF_AN_INTENT,
        )
        return self._read(call, time_left)

    def send(self, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """See `StripeGateway.send`."""
        deletes = call.method == "delete"
        request = Call(
            method=call.method,
            path=call.path,
            object_id=_checked(call.object_id) if call.object_id else None,
            params=call.params,
            # A DELETE takes no key: made twice, it finds nothing the second time.
            idempotency_key=None if deletes else call.idempotency_key,
            must_have=_MUST_HAVE.get(call.kind, ("id",)),
            may_be_absent=deletes,
        )
        try:
            return _answer(self._until_answered(request, time_left), Source.ANSWER)
        except CallFailed as error:
            raise _unknown(error, f"Stripe may have done the {call.kind}") from error

    def get(
        self,
        resource: str,
        object_id: str,
        *,
        time_left: TimeLeft,
        expand: Sequence[str] = (),
        may_be_absent: bool = False,
    ) -> Answer:
        """See `StripeGateway.get`."""
        call = Call(
            method="get",
            path=_PATH_OF[resource],
            object_id=_checked(object_id),
            params={"expand": list(expand)} if expand else {},
            may_be_absent=may_be_absent,
        )
        return self._read(call, time_left)

    def listed(
        self,
        resource: str,
        *,
        created_from: int | None,
        created_to: int | None = None,
        time_left: TimeLeft,
        only: Mapping[str, Any] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """See `StripeGateway.listed`; `created_from` is None for what has no such filter."""
        bounds = {"gte": created_from, "lte": created_to}
        created = {name: second for name, second in bounds.items() if second is not None}
        page: Mapping[str, Any] = {"limit": _PAGE} | ({"created": created} if created else {})
        page = {**page, **(only or {})}
        while True:
            call = Call(method="get", path=_LIST_OF[resource], params=page, must_have=("object",))
            found = self._read(call, time_left).seen.object
            yield from found["data"]
            if not found.get("has_more"):
                return
            page = {**page, "starting_after": found["data"][-1]["id"]}

    def _read(self, call: Call, time_left: TimeLeft) -> Answer:
        try:
            return _answer(self._until_answered(call, time_left), Source.FETCH)
        except CallFailed as error:
            raise TryAgain("Stripe gave no usable answer") from error

    def _until_answered(self, call: Call, time_left: TimeLeft) -> Reply:
        """Send it up to four times while time lasts; raises CallFailed with the last failure."""
        if time_left() < _TRY_SECONDS_MIN:
            raise CallFailed("no time left to ask", is_worth_another_try=True)

        def is_over(state: RetryCallState) -> bool:
            too_often = state.attempt_number > len(_WAITS_SECONDS)
            return too_often or time_left() - state.upcoming_sleep < _TRY_SECONDS_MIN

        tries = Retrying(
            retry=retry_if_exception(_is_worth_another_try),
            wait=_WAIT,
            stop=is_over,
            sleep=self._clock.pause,
            reraise=True,
        )
        for attempt in tries:
            with attempt:
                self._count_call()
                return self._calls.send(
                    call,
                    timeout_seconds=min(self._call_timeout_seconds, time_left()),
                    attempt=attempt.retry_state.attempt_number,
                )
        raise AssertionError("tenacity ends by returning or raising")

    def _count_call(self) -> None:
        """Counted, never refused, and never in the way: the counter may fail."""
        if self._budget is None:
            return
        try:
            has_room = self._budget.take()
        except TryAgain:
            return
        if not has_room:
            self._telemetry.count("StripeBudgetExceeded")


def _unknown(error: CallFailed, what: str) -> OutcomeUnknown:
    return FailureStored(what) if error.is_stored else OutcomeUnknown(what)


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.is_worth_another_try


def _answer(reply: Reply, source: Source) -> Answer:
    return Answer(seen=reply.seen(source), request_id=reply.request_id, replayed=reply.replayed)


def _checked(object_id: str) -> str:
    """Only an id of Stripe's goes into a path; anything else can be no object of its."""
    if not _ID.fullmatch(object_id):
        raise StripeRefused("that is no id of Stripe's", http_status=404)
    return object_id
