"""A customer at Stripe that belongs to a user of ours: one for each user id."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import (
    ATTEMPT_MARK,
    REQUEST_MARK,
    STAGE_MARK,
    USER_MARK,
    marks_of,
)
from paidonce.domain.request import Request, request_id
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import StripeCall

CUSTOMERS_PATH = "/v1/customers"
_ROUTE = "POST /customers"
# What may stand in a key of Stripe's (255 characters at most), and so in a log: no e-mail address.
_PLAIN_USER = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """One customer; `id` is Stripe's (`cus_…`). `as_of_from` and `as_of` bound what we know.

    `deleted` is for good, and forgets who it was. Version 0 is a row that nothing is known of.
    """

    id: str
    user_id: str | None
    created_at: str
    updated_at: str
    email: str | None = None
    name: str | None = None
    deleted: bool = False
    as_of_from: int | None = None
    as_of: int | None = None
    version: int = 1
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pointer_ids(self) -> frozenset[str]:
        """None: the row's own id is Stripe's."""
        return frozenset()

    def shown(self, found: Mapping[str, Any]) -> "Customer":
        """With all that this look at Stripe's object shows; whether it is the newer is not asked.

        Of one that is deleted Stripe shows no more than that.
        """
        if found.get("deleted"):
            return self.gone()
        marked = marks_of(found).get(USER_MARK)
        return replace(
            self,
            email=found.get("email"),
            name=found.get("name"),
            user_id=self.user_id or (marked if isinstance(marked, str) else None),
        )

    def gone(self) -> "Customer":
        """Deleted at Stripe, for good: who it was is forgotten here too."""
        return replace(self, email=None, name=None, deleted=True)

    def known_until(self, seen: Sighting) -> "Customer":
        """With the bounds of our knowledge raised to this sighting's."""
        return replace(
            self,
            as_of_from=max(seen.as_of_from, self.as_of_from or 0),
            as_of=max(seen.as_of, self.as_of or 0),
        )

    def written(self, *, at: str) -> "Customer":
        """As its row is written after a change."""
        return replace(self, version=self.version + 1, updated_at=at)

    def looks_like(self, other: "Customer") -> bool:
        """True when nothing but the bounds of our knowledge differs."""
        return self == replace(
            other, as_of_from=self.as_of_from, as_of=self.as_of, version=self.version
        )

    def news(self, before: "Customer") -> tuple[str, ...]:
        """Whatever changed."""
        is_news = before.version == 0 or not self.looks_like(before)
        return ("customer.changed",) if is_news else ()

    def view(self) -> dict[str, Any]:
        """The customer as the API and the bus show it."""
        return {
            "id": self.id,
            "user_id": self.user_id,
            "email": self.email,
            "name": self.name,
            "deleted": self.deleted,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def begun(found: Mapping[str, Any], at: str) -> Customer:
    """A row that nothing is known of yet, of Stripe's customer."""
    return Customer(id=found["id"], user_id=None, created_at=at, updated_at=at, version=0)


@dataclass(frozen=True, kw_only=True)
class CustomerRequest:
    """One request for a customer, checked. `body_hash` names the body as it was sent."""

    caller: Caller
    idempotency_key: str
    body_hash: str
    user_id: str
    email: str | None = None
    name: str | None = None

    @property
    def claim_id(self) -> str:
        """The item that only one request of the user can hold."""
        return f"user#{self.user_id}"

    def recorded(self, *, stage: str, at: str) -> Request:
        """The request as it is written before Stripe is asked (docs.stripe.com/api/customers)."""
        name = request_id(self.caller, _ROUTE, self.idempotency_key)
        optional = {"email": self.email, "name": self.name}
        marks = {
            STAGE_MARK: stage,
            USER_MARK: self.user_id,
            REQUEST_MARK: name,
            ATTEMPT_MARK: "1",
        }
        return Request(
            id=name,
            kind="customer",
            user_id=self.user_id,
            created_at=at,
            updated_at=at,
            call=StripeCall(
                kind="customer",
                idempotency_key=f"cus_{stage}_{_in_a_key(self.user_id)}_a1",
                path=CUSTOMERS_PATH,
                params={"metadata": marks} | {k: v for k, v in optional.items() if v is not None},
                body_hash=self.body_hash,
            ),
        )


def _in_a_key(user_id: str) -> str:
    """The user id, or its hash behind a `~`, which no plain user id holds."""
    return user_id if _PLAIN_USER.fullmatch(user_id) else f"~{fingerprint(user_id)[:32]}"
