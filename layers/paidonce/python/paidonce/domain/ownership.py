"""Whose is an event's object: this stage's, or somebody else's on the same Stripe account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from paidonce.domain.policy import Policy
from paidonce.domain.stripe_event import StripeEvent

STAGE_MARK = "paidonce_stage"
PAYMENT_MARK = "paidonce_payment"
ATTEMPT_MARK = "paidonce_attempt"
ORDER_MARK = "paidonce_order"
REFUND_MARK = "paidonce_refund"
USER_MARK = "paidonce_user"
REQUEST_MARK = "paidonce_request"
CORRELATION_MARK = "paidonce_correlation"

# What a pointer leads to when its object was found to be nobody's of ours.
FOREIGN = "foreign"


class Mark(Enum):
    """What an object's own metadata says."""

    OURS = "ours"
    FOREIGN = "foreign"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The stage that this deployment is. `account` is None where no account is checked.

    `adopt`: customers, subscriptions and invoices without a mark are ours too. `policy`: which
    subscriptions may be used.
    """

    name: str
    livemode: bool
    account: str | None = None
    adopt: bool = False
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, kw_only=True)
class Parent:
    """An object of Stripe's that another one was made from, such as a dispute's payment intent."""

    resource: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Owner:
    """What can be said without reading anything: a mark, our id, or the pointers to look under.

    The first of `pointer_ids` that is known decides: the object's own, then those of its parents.
    `parent` is what says by its own marks whose an object without marks and pointers is.
    """

    mark: Mark
    aggregate_id: str | None = None
    pointer_ids: tuple[str, ...] = ()
    parent: Parent | None = None


def owner_of(event: StripeEvent, stage: Stage) -> Owner:
    """Read the marks of an event's object; without our id in them it is looked up by pointer."""
    if event.livemode is not stage.livemode:
        return Owner(mark=Mark.FOREIGN)
    if stage.account is not None and event.account not in (None, stage.account):
        return Owner(mark=Mark.FOREIGN)
    return owner_of_object(event.object, stage)


def owner_of_object(found: Mapping[str, Any], stage: Stage) -> Owner:
    """The same for an object alone: of an event, or read at Stripe with our own key."""
    marks = marks_of(found)
    marked_stage = marks.get(STAGE_MARK)
    if marked_stage is not None and marked_stage != stage.name:
        return Owner(mark=Mark.FOREIGN)
    payment_id = marks.get(PAYMENT_MARK)
    if marked_stage and isinstance(payment_id, str) and payment_id.startswith("pay_"):
        return Owner(mark=Mark.OURS, aggregate_id=payment_id)
    parents = _parents_of(found)
    named = (id_in(found), *(parent.id for parent in parents))
    return Owner(
        mark=Mark.OURS if marked_stage else Mark.NONE,
        pointer_ids=tuple(dict.fromkeys(i for i in named if i)),
        parent=parents[-1] if parents else None,
    )


def row_named_by(found: Mapping[str, Any]) -> str | None:
    """The row of ours that an object names by itself, without any reading: for those who look on.

    A payment by our mark, a subscription or customer by Stripe's own id.
    """
    payment_id, own_id = marks_of(found).get(PAYMENT_MARK), id_in(found)
    if isinstance(payment_id, str) and payment_id.startswith("pay_"):
        return payment_id
    return own_id if own_id and own_id.startswith(("sub_", "cus_")) else None


def marks_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's metadata; an invoice has those of its subscription beside its parent's id."""
    metadata = found.get("metadata")
    if isinstance(metadata, Mapping) and STAGE_MARK in metadata:
        return metadata
    parent = found.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, Mapping) else None
    inherited = details.get("metadata") if isinstance(details, Mapping) else None
    for marks in (inherited, metadata):
        if isinstance(marks, Mapping):
            return marks
    return {}


# The fields in which an object without marks names what it was made from, the nearest first. The
# last one is read where none is known: an intent carries our marks, and its charges carry copies.
_PARENTS = ("charge", "payment_intent")


def _parents_of(found: Mapping[str, Any]) -> tuple[Parent, ...]:
    named = [(resource, id_in(found.get(resource))) for resource in _PARENTS]
    return tuple(Parent(resource=resource, id=i) for resource, i in named if i)


def id_in(value: object) -> str | None:
    """The id of an object, or of a field that Stripe may expand."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None
