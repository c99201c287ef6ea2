"""Whose is an event's object: this stage's, or somebody else's on the same Stripe account."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from paidonce.domain.stripe_event import StripeEvent

STAGE_MARK = "paidonce_stage"
PAYMENT_MARK = "paidonce_payment"
ATTEMPT_MARK = "paidonce_attempt"
ORDER_MARK = "paidonce_order"
REFUND_MARK = "paidonce_refund"
USER_MARK = "paidonce_user"
REQUEST_MARK = "paidonce_request"

# What a pointer leads to when its object was found to be nobody's of ours.
FOREIGN = "foreign"


class Mark(Enum):
    """What an object's own metadata says."""

    OURS = "ours"
    FOREIGN = "foreign"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The stage that this deployment is. `account` is None where no account is checked."""

    name: str
    livemode: bool
    account: str | None = None


@dataclass(frozen=True, kw_only=True)
class Owner:
    """What can be said without reading anything: a mark, our id, or the pointers to look under.

    The first of `pointer_ids` that is known decides: the object's own, then those of its parents.
    """

    mark: Mark
    aggregate_id: str | None = None
    pointer_ids: tuple[str, ...] = ()


def owner_of(event: StripeEvent, stage: Stage) -> Owner:
    """Read the marks of an event's object; only an object without marks is looked up by pointer."""
    if event.livemode is not stage.livemode:
        return Owner(mark=Mark.FOREIGN)
    if stage.account is not None and event.account not in (None, stage.account):
        return Owner(mark=Mark.FOREIGN)
    metadata = event.object.get("metadata")
    marks = metadata if isinstance(metadata, Mapping) else {}
    marked_stage = marks.get(STAGE_MARK)
    if marked_stage is not None and marked_stage != stage.name:
        return Owner(mark=Mark.FOREIGN)
    payment_id = marks.get(PAYMENT_MARK)
    if marked_stage and isinstance(payment_id, str) and payment_id.startswith("pay_"):
        return Owner(mark=Mark.OURS, aggregate_id=payment_id)
    return Owner(mark=Mark.NONE, pointer_ids=_pointers_of(event))


# The fields in which an object without marks names what it was made from.
_PARENTS = ("charge", "payment_intent")


def _pointers_of(event: StripeEvent) -> tuple[str, ...]:
    named = (event.object_id, *(_id_in(event.object.get(parent)) for parent in _PARENTS))
    return tuple(dict.fromkeys(i for i in named if i))


def _id_in(value: object) -> str | None:
    """A field that Stripe may expand: the id either way."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None
