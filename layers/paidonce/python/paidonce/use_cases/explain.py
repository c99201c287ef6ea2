"""Explain what happened to one payment, customer or subscription: the whole chain, in order.

Everything comes from the row, the ledger and the dates of the secrets' versions, so the answer is
the same for whoever asks, and needs neither logs nor Stripe.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.entitlement import view_of
from paidonce.domain.errors import NotFound
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso, seconds
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import creation_call
from paidonce.domain.rotation import CURRENT, EDITED, PENDING, PREVIOUS, STAGED
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Books, Clock
from paidonce.use_cases.rotation_ports import SecretHistory, VersionMade

_OWN_IDS = ("pay_", "sub_", "cus_", "req_")
_OF_LEDGER = ("evt_", "answer#", "read#", "operator#")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened. `at` is ISO 8601, UTC; `words` are ids and words, never a payload.

    `kind`: `asked` (a call of ours to Stripe), `answered`, `delivered` (a webhook), `read`,
    `waits`, `dead`, `told` (the bus), `operator`, `rotation` (a secret of ours got a version).
    """

    at: str
    kind: str
    says: str
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Everything that is known about `about`. `state` is the row as the API shows it, or None.

    `unseen`: a sentence for each thing that could not be looked at.
    """

    asked: str
    about: str | None
    state: Mapping[str, Any] | None
    steps: tuple[Step, ...]
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Explain:
    """The verb behind `paidonce why`.

    `secret_cache_seconds`: so long a function may go on with a secret that was replaced.
    """

    books: Books
    search: LedgerSearch
    secrets: Sequence[SecretHistory]
    secret_cache_seconds: int
    stage: Stage
    clock: Clock

    def __call__(self, asked: str) -> Chain:
        """The chain behind an id of ours, of Stripe's, or of the ledger's.

        Raises NotFound when nothing here knows it, TryAgain when throttled.
        """
        row = self.search.row(asked) if asked.startswith(_OF_LEDGER) else None
        aggregate = self._aggregate(row.aggregate_id if row else asked)
        if row is None and aggregate is None:
            raise NotFound(
                f"Nothing here knows {asked}: it is another stage's, somebody else's, older than"
                " the ledger, or its event has not come yet."
            )
        if aggregate is None:
            about = row.aggregate_id if row else None
            rows = self.search.about(about) if about else ([row] if row else [])
            chain = Chain(asked=asked, about=about, state=None, steps=steps_of(None, rows))
            return self._with_rotations(chain, is_over=all(row.outcome.is_final for row in rows))
        rows = self.search.about(aggregate.id)
        chain = Chain(
            asked=asked,
            about=aggregate.id,
            state=view_of(aggregate, policy=self.stage.policy, now=self.clock.now()),
            steps=steps_of(aggregate, rows),
        )
        is_open = isinstance(aggregate, Payment) and aggregate.is_open
        are_final = all(row.outcome.is_final for row in rows)
        return self._with_rotations(chain, is_over=are_final and not is_open)

    def _with_rotations(self, chain: Chain, *, is_over: bool) -> Chain:
        """With what was rotated meanwhile; of what is not over, meanwhile lasts until now."""
        if not chain.steps:
            return chain
        since = iso(seconds(chain.steps[0].at) - self.secret_cache_seconds)
        until = chain.steps[-1].at if is_over else iso(self.clock.now())
        found, refused = [], []
        for secret in self.secrets:
            versions = secret.made()
            if versions is None:
                refused.append(secret.name)
            found += [
                _rotation(secret.name, one)
                for one in versions or ()
                if since <= one.made_at <= until
            ]
        unseen = f"Rotations are not shown: you may not list the versions of {', '.join(refused)}."
        return replace(
            chain,
            steps=_in_order([*chain.steps, *found]),
            unseen=(unseen,) if refused else (),
        )

    def _aggregate(self, name: str | None) -> Aggregate | None:
        if name is None:
            return None
        is_own = name.startswith(_OWN_IDS)
        pages = self.books.read(
            event_ids=[],
            payment_ids=[name] if is_own else [],
            pointer_ids=[] if is_own else [name],
        )
        return next(iter(pages.aggregates.values()), None)


def steps_of(aggregate: Aggregate | None, rows: Sequence[LedgerRow]) -> tuple[Step, ...]:
    """The steps that a row and its ledger rows tell, in the order in which they happened."""
    found: list[Step] = []
    if isinstance(aggregate, Payment):
        found += _of_payment(aggregate)
    elif aggregate is not None:
        found += [step for call in getattr(aggregate, "calls", ()) for step in _of_call(call)]
    found += [step for row in rows for step in _of_row(row)]
    return _in_order(found)


def _in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    # Sorting is stable: what has one moment stays in the order in which it was found.
    return tuple(sorted(steps, key=lambda step: step.at))


def _rotation(secret: str, version: VersionMade) -> Step:
    if CURRENT in version.labels:
        standing = "in use"
    elif PREVIOUS in version.labels:
        standing = "replaced since"
    elif version.labels & {PENDING, STAGED, EDITED}:
        standing = "not in use yet"
    else:
        standing = "replaced since, or never used"
    return Step(
        at=version.made_at,
        kind="rotation",
        says=f"{secret} got a new version: {standing}",
        words={"version_id": version.id},
    )


def _of_payment(payment: Payment) -> Iterator[Step]:
    yield Step(
        at=payment.created_at,
        kind="asked",
        says=f"payment recorded for order {payment.order_id}, before Stripe was called",
        words={
            "payment_id": payment.id,
            "amount_minor": payment.money.minor,
            "currency": payment.money.currency,
        },
    )
    calls = [creation_call(payment), *payment.calls]
    calls += [refund.call for refund in payment.refunds if refund.call]
    for call in calls:
        yield from _of_call(call, recorded_at=payment.created_at)


def _of_call(call: StripeCall, *, recorded_at: str = "") -> Iterator[Step]:
    """When a call was first made, and last: the tries in between left no mark of their own.

    Tries are noted in whole seconds: none is shown before what it is about was recorded.
    """
    words = {"idempotency_key": call.idempotency_key, "path": call.path}
    if call.first_tried_at is not None:
        yield Step(
            at=max(iso(call.first_tried_at), recorded_at),
            kind="asked",
            says=f"{call.kind} asked of Stripe",
            words=words,
        )
    if call.last_tried_at is not None and call.last_tried_at != call.first_tried_at:
        yield Step(
            at=iso(call.last_tried_at),
            kind="asked",
            says=f"{call.kind} asked again, with the same key",
            words=words,
        )
    if call.refusal and call.last_tried_at is not None:
        refused = {"stripe_code": call.stripe_code, "decline_code": call.decline_code}
        yield Step(
            at=iso(call.last_tried_at),
            kind="answered",
            says=f"{call.kind} ended without effect: {call.refusal}",
            words=words | {name: word for name, word in refused.items() if word},
        )


def _of_row(row: LedgerRow) -> Iterator[Step]:
    """One ledger row: when it came, what was decided, what the bus is told."""
    if row.received_at and row.event_id.startswith("evt_"):
        yield Step(
            at=row.received_at,
            kind="delivered",
            says=f"{row.event_type} delivered by Stripe, verified and queued",
            words=_words(row, "event_id", "correlation_id", "api_version"),
        )
    yield Step(at=row.decided_at, kind=_kind_of(row), says=_decision(row), words=_about(row))
    for event in row.domain_events:
        yield Step(
            at=row.decided_at,
            kind="told",
            says=f"{event.type} {'on the bus' if row.is_published else 'due on the bus'}",
            words={"domain_event_id": event.id},
        )


def _kind_of(row: LedgerRow) -> str:
    if row.outcome is Outcome.DEAD:
        return "dead"
    if not row.outcome.is_final:
        return "waits"
    kinds = {"evt_": "delivered", "answer#": "answered", "read#": "read", "operator#": "operator"}
    return next((kind for start, kind in kinds.items() if row.event_id.startswith(start)), "read")


def _decision(row: LedgerRow) -> str:
    why = f" ({row.reason})" if row.reason else ""
    tries = f", attempt {row.attempts}" if row.attempts > 1 else ""
    return f"{row.event_type}: {row.outcome.value}{why}{tries}"


def _about(row: LedgerRow) -> dict[str, Any]:
    return _words(
        row, "event_id", "request_id", "correlation_id", "replay_id", "error_class", "error_place"
    )


def _words(row: LedgerRow, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names if getattr(row, name)}
