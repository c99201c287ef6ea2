"""Stripe in memory: fakes of the ports `StripeReader` and `PaymentGateway`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from paidonce.domain.errors import StripeRefused
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import StripeCall
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import Answer

from tests.fakes import FakeClock, Faults


class FakeStripe:
    """Objects as Stripe holds them, for the reader and the gateway."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: dict[str, StripeEvent] = {}
        self.made: dict[str, tuple[str, str]] = {}  # idempotency key -> (params, answer)
        self.call_seconds = 0.2
        # What a POST to a path template does: (object id, params) -> the object after it.
        self.does: dict[str, Callable[[str | None, Mapping[str, Any]], dict[str, Any]]] = {
            "/v1/payment_intents": lambda _, params: self._new_intent(params),
            "/v1/payment_intents/{id}/capture": self._capture,
            "/v1/payment_intents/{id}/cancel": self._cancel,
            "/v1/refunds": self._refund,
        }

    def seen(self, object_id: str) -> Sighting:
        """The object as a GET shows it now; 404 when there is none."""
        if object_id not in self.objects:
            raise StripeRefused("no such object", stripe_code="resource_missing", http_status=404)
        return self.answered(json.dumps(self.objects[object_id]), Source.FETCH)

    def answered(self, document: str, source: Source) -> Sighting:
        """A copy of the object, with the bounds that a call gives."""
        self.clock.advance(self.call_seconds)
        return Sighting.of_call(
            json.loads(document),
            date=int(self.clock.now()),
            duration_seconds=self.call_seconds,
            source=source,
        )

    def make_intent(self, params: Mapping[str, Any], *, idempotency_key: str) -> bool:
        """Make the intent of this key; True when it was made before. Its answer is `made[key]`."""
        asked = json.dumps(["/v1/payment_intents", None, params], sort_keys=True)
        if idempotency_key in self.made:
            if self.made[idempotency_key][0] != asked:
                raise StripeRefused(
                    "same key, other request", stripe_code="idempotency_error", http_status=400
                )
            return True
        intent = self._new_intent(params)
        self.objects[intent["id"]] = intent
        self.made[idempotency_key] = (asked, json.dumps(intent))
        return False

    def do(self, call: StripeCall) -> bool:
        """Do what a call asks, once for its key; True when it was done before."""
        asked = json.dumps([call.path, call.object_id, call.params], sort_keys=True)
        if call.idempotency_key in self.made:
            if self.made[call.idempotency_key][0] != asked:
                raise StripeRefused(
                    "same key, other request", stripe_code="idempotency_error", http_status=400
                )
            return True
        found = self.does[call.path](call.object_id, call.params)
        self.objects[found["id"]] = found
        self.made[call.idempotency_key] = (asked, json.dumps(found))
        return False

    def _of(self, intent_id: str | None, *statuses: str) -> dict[str, Any]:
        intent = self.objects.get(intent_id or "")
        if intent is None:
            raise StripeRefused("no such intent", stripe_code="resource_missing", http_status=404)
        if intent["status"] not in statuses:
            raise StripeRefused(
                "wrong state", stripe_code="payment_intent_unexpected_state", http_status=400
            )
        return intent

    def _capture(self, intent_id: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        intent = self._of(intent_id, "requires_capture")
        received = params.get("amount_to_capture", intent["amount"])
        return intent | {"status": "succeeded", "amount_received": received}

    def _cancel(self, intent_id: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        open_or_held = ("requires_payment_method", "requires_action", "requires_capture")
        intent = self._of(intent_id, *open_or_held)
        reason = params.get("cancellation_reason")
        return intent | {"status": "canceled", "cancellation_reason": reason}

    def _refund(self, _: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        refunds = [o for o in self.objects.values() if o["object"] == "refund"]
        charge_id = params["charge"]
        charged = next(o for o in self.objects.values() if o.get("latest_charge") == charge_id)
        standing = sum(
            r["amount"]
            for r in refunds
            if r["charge"] == charge_id and r["status"] not in ("failed", "canceled")
        )
        if standing + params["amount"] > charged["amount_received"]:
            raise StripeRefused("over the charge", stripe_code="charge_already_refunded")
        return {
            "id": f"re_fake{len(refunds) + 1:06d}",
            "object": "refund",
            "amount": params["amount"],
            "charge": charge_id,
            "created": int(self.clock.now()),
            "currency": charged["currency"],
            "metadata": dict(params.get("metadata", {})),
            "payment_intent": charged["id"],
            "reason": params.get("reason"),
            "status": "succeeded",
        }

    def _new_intent(self, params: Mapping[str, Any]) -> dict[str, Any]:
        intent_id = f"pi_fake{len(self.made) + 1:06d}"
        return {
            "id": intent_id,
            "object": "payment_intent",
            "amount": params["amount"],
            "amount_received": 0,
            "currency": params["currency"],
            "capture_method": params.get("capture_method", "automatic"),
            "client_secret": f"{intent_id}_secret_fake",
            "created": int(self.clock.now()),
            "customer": params.get("customer"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {k: str(v) for k, v in params.get("metadata", {}).items()},
            "status": "requires_payment_method",
        }


class FakeStripeReader:
    """`StripeReader` over `FakeStripe`."""

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe
        self.faults = Faults()

    def retrieve(self, resource: str, object_id: str) -> Sighting:
        """See `StripeReader.retrieve`."""
        with self.faults.around("retrieve"):
            assert resource
            return self.stripe.seen(object_id)

    def event(self, event_id: str) -> StripeEvent:
        """See `StripeReader.event`."""
        with self.faults.around("event"):
            if event_id not in self.stripe.events:
                raise StripeRefused("no such event", http_status=404)
            return self.stripe.events[event_id]


class FakePaymentGateway:
    """`PaymentGateway` over `FakeStripe`; plan `create_intent.after` for a lost answer."""

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe
        self.keys: list[str] = []
        self.faults = Faults()

    def create_intent(
        self, params: Mapping[str, Any], *, idempotency_key: str, time_left: TimeLeft
    ) -> Answer:
        """See `PaymentGateway.create_intent`."""
        assert time_left() > 0
        with self.faults.around("create_intent"):
            self.keys.append(idempotency_key)
            replayed = self.stripe.make_intent(params, idempotency_key=idempotency_key)
            _, first_answer = self.stripe.made[idempotency_key]
            seen = self.stripe.answered(first_answer, Source.ANSWER)
            return Answer(seen=seen, request_id="req_fake", replayed=replayed)

    def intent(self, intent_id: str, *, time_left: TimeLeft) -> Answer:
        """See `PaymentGateway.intent`."""
        assert time_left() > 0
        with self.faults.around("intent"):
            seen = self.stripe.seen(intent_id)
            return Answer(seen=seen, request_id="req_fake", replayed=False)


class FakeStripeGateway:
    """`StripeGateway` over `FakeStripe`: what a POST does is in `stripe.does`, by its path.

    Plan `send` for a request that never arrived, `send.after` for an answer that got lost.
    """

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe
        self.keys: list[str] = []
        self.faults = Faults()

    def send(self, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """See `StripeGateway.send`."""
        assert time_left() > 0
        with self.faults.around("send"):
            if call.method == "delete":
                found = self.stripe.does[f"delete {call.path}"](call.object_id, call.params)
                self.stripe.objects[found["id"]] = found
                seen = self.stripe.answered(json.dumps(found), Source.ANSWER)
                return Answer(seen=seen, request_id="req_fake", replayed=False)
            self.keys.append(call.idempotency_key)
            replayed = self.stripe.do(call)
            _, first_answer = self.stripe.made[call.idempotency_key]
            seen = self.stripe.answered(first_answer, Source.ANSWER)
            return Answer(seen=seen, request_id="req_fake", replayed=replayed)

    def get(
        self,
        resource: str,
        object_id: str,
        *,
        time_left: TimeLeft,
        expand: Sequence[str] = (),
        may_be_absent: bool = False,
    ) -> Answer:
        """See `StripeGateway.get`; objects are kept expanded."""
        assert not isinstance(expand, str)
        assert may_be_absent in (True, False)
        assert resource
        assert time_left() > 0
        with self.faults.around("get"):
            seen = self.stripe.seen(object_id)
            return Answer(seen=seen, request_id="req_fake", replayed=False)

    def listed(
        self,
        resource: str,
        *,
        created_from: int,
        created_to: int | None = None,
        time_left: TimeLeft,
        only: Mapping[str, Any] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """See `StripeGateway.listed`; of `only` what is a field is compared."""
        assert time_left() > 0
        wanted = {name: value for name, value in (only or {}).items() if name != "expand"}
        types = wanted.pop("types", None)
        # As Stripe: subscriptions that have ended are listed only where all are asked for.
        leaves_out = () if wanted.get("status") else ("canceled", "incomplete_expired")
        if wanted.get("status") == "all":
            del wanted["status"]
        with self.faults.around("listed"):
            found = [
                o
                for o in self.stripe.objects.values()
                if o["object"] == resource
                and created_from <= o["created"] <= (created_to or o["created"])
                and not (resource == "subscription" and o["status"] in leaves_out)
                and all(o[name] == value for name, value in wanted.items())
                and (types is None or o["type"] in types)
            ]
        yield from json.loads(json.dumps([self._expanded(o, only or {}) for o in found[::-1]]))

    def _expanded(self, found: dict[str, Any], only: Mapping[str, Any]) -> dict[str, Any]:
        names = [path.removeprefix("data.") for path in only.get("expand", ())]
        return found | {
            n: self.stripe.objects[found[n]] for n in names if isinstance(found.get(n), str)
        }
