"""Requests in memory, and what Stripe does about customers, subscriptions and sessions."""

from collections.abc import Mapping
from typing import Any, TypeVar

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import ChangedMeanwhile, StripeRefused
from paidonce.domain.request import Request
from paidonce.use_cases.request_books import ClaimTaken

from tests.fakes import Faults, Tables
from tests.fakes_stripe import FakeStripe

A = TypeVar("A", bound=Aggregate)


class FakeRequestBooks:
    """`RequestBooks` over the same dictionaries as the other books."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self.faults = Faults()

    def get(self, aggregate_id: str, kind: type[A]) -> A | None:
        """See `RequestBooks.get`."""
        with self.faults.around("get"):
            found = self.tables.aggregate(aggregate_id)
            return found if isinstance(found, kind) else None

    def holder_of(self, claim_id: str) -> Request | None:
        """See `RequestBooks.holder_of`."""
        with self.faults.around("holder_of"):
            return self._holder(claim_id)

    def _holder(self, claim_id: str | None) -> Request | None:
        found = self.tables.aggregate(self.tables.claims.get(claim_id or "", ""))
        return found if isinstance(found, Request) else None

    def open(
        self, request: Request, *, claim_id: str | None = None, over: Request | None = None
    ) -> Request:
        """See `RequestBooks.open`."""
        with self.faults.around("open"):
            stands = self.tables.aggregate(request.id)
            if isinstance(stands, Request):
                return stands
            holder = self._holder(claim_id)
            if holder is not None and (over is None or holder.id != over.id):
                raise ClaimTaken(holder)
            if over is not None:
                self._put_over(over, over.gave_way().written(at=request.created_at))
            self.tables.put(request)
            if claim_id is not None:
                self.tables.claims[claim_id] = request.id
            return request

    def save(self, before: Aggregate, after: Aggregate) -> None:
        """See `RequestBooks.save`."""
        with self.faults.around("save"):
            self._put_over(before, after)

    def _put_over(self, before: Aggregate, after: Aggregate) -> None:
        stored = self.tables.aggregate(before.id)
        if stored is None or stored.version != before.version:
            raise ChangedMeanwhile(before.id)
        self.tables.put(after)


def teach(stripe: FakeStripe) -> None:
    """Let a fake Stripe make customers, subscriptions and sessions."""
    billing = _Billing(stripe)
    stripe.does |= {
        "/v1/customers": billing.customer,
        "/v1/subscriptions": billing.subscribe,
        "/v1/subscriptions/{id}": billing.update,
        "delete /v1/subscriptions/{id}": billing.end,
        "/v1/billing_portal/sessions": billing.portal,
        "/v1/checkout/sessions": billing.checkout,
        "/v1/checkout/sessions/{id}/expire": billing.expire,
    }


class _Billing:
    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def _new(self, prefix: str, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = sum(o["object"] == kind for o in self.stripe.objects.values()) + 1
        return {
            "id": f"{prefix}_fake{number:06d}",
            "object": kind,
            "created": int(self.stripe.clock.now()),
            "livemode": False,
            "metadata": dict(params.get("metadata", {})),
        }

    def customer(self, _: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/customers."""
        made = self._new("cus", "customer", params)
        return made | {"email": params.get("email"), "name": params.get("name")}

    def subscribe(self, _: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/subscriptions with payment_behavior=default_incomplete."""
        if params["customer"] not in self.stripe.objects:
            raise StripeRefused(
                "no such customer", stripe_code="resource_missing", param="customer"
            )
        made = self._new("sub", "subscription", params)
        trial = params.get("trial_period_days")
        now = made["created"]
        end = now + (trial or 30) * 86400
        return made | {
            "customer": params["customer"],
            "status": "trialing" if trial else "incomplete",
            "cancel_at_period_end": False,
            "trial_end": end if trial else None,
            "items": {"data": [self._line(n, i, end) for n, i in enumerate(params["items"])]},
            "latest_invoice": {
                "id": f"in_{made['id']}",
                "status": "paid" if trial else "open",
                "billing_reason": "subscription_create",
                "confirmation_secret": None
                if trial
                else {"client_secret": f"pi_{made['id']}_secret_x", "type": "payment_intent"},
            },
            "pending_setup_intent": {"client_secret": f"seti_{made['id']}_secret_x"}
            if trial
            else None,
        }

    def _line(self, number: int, item: Mapping[str, Any], end: int) -> dict[str, Any]:
        return {
            "id": f"si_{number}{item['price']}",
            "price": {"id": item["price"]},
            "quantity": item.get("quantity", 1),
            "current_period_end": end,
        }

    def update(self, subscription_id: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/subscriptions/{id}."""
        found = self._of(subscription_id)
        lines = {line["id"]: line for line in found["items"]["data"]}
        end = found["items"]["data"][0]["current_period_end"]
        for number, item in enumerate(params.get("items", ())):
            if item.get("deleted"):
                del lines[item["id"]]
            elif "id" in item:
                known = lines[item["id"]]
                price = {"id": item.get("price", known["price"]["id"])}
                lines[item["id"]] = known | {"price": price, "quantity": item["quantity"]}
            else:
                line = self._line(number, item, end)
                lines[line["id"]] = line
        ends = params.get("cancel_at_period_end", found["cancel_at_period_end"])
        return found | {"items": {"data": list(lines.values())}, "cancel_at_period_end": ends}

    def end(self, subscription_id: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """DELETE /v1/subscriptions/{id}."""
        assert "metadata" not in params
        return self._of(subscription_id) | {"status": "canceled"}

    def _of(self, subscription_id: str | None) -> dict[str, Any]:
        found = self.stripe.objects.get(subscription_id or "")
        if found is None or found["status"] == "canceled":
            raise StripeRefused("none", stripe_code="resource_missing", http_status=404)
        return found

    def portal(self, _: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/billing_portal/sessions."""
        made = self._new("bps", "billing_portal.session", params)
        return made | {"url": f"https://portal.test/{made['id']}_url"}

    def checkout(self, _: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/checkout/sessions."""
        made = self._new("cs_test", "checkout.session", params)
        url = f"https://checkout.test/{made['id']}_url"
        return made | {"url": url, "status": "open", "payment_intent": None}

    def expire(self, session_id: str | None, params: Mapping[str, Any]) -> dict[str, Any]:
        """POST /v1/checkout/sessions/{id}/expire."""
        assert not params
        found = self.stripe.objects[session_id or ""]
        if found["status"] != "open":
            raise StripeRefused("not open", stripe_code="resource_missing", http_status=400)
        return found | {"status": "expired", "url": None}
