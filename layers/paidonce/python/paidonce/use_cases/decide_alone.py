"""Decide one event or reading by itself, with the looks at Stripe that this takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from paidonce.domain.errors import StripeRefused, TryAgain
from paidonce.domain.ledger import DomainEvent
from paidonce.domain.ownership import FOREIGN, Parent, Stage, owner_of, owner_of_object
from paidonce.domain.rulebook import reading_rule_for, rule_for
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.decide import Fold, Parents, ReadParent, keys_of
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Books, Clock, Delivery, Pages, Telemetry
from paidonce.use_cases.stripe_ports import StripeReader

# Without the parents, and with what one of them says.
_READS_MAX = 2


class UnreadableMessageError(Exception):
    """A message in the queue that nobody of ours can have sent."""


@dataclass(frozen=True, kw_only=True)
class DecideAlone:
    """Makes a fold of one event. Nothing is written here.

    `search` tells what the bus was told of a row that was lost.
    `foreign_pointer_seconds`: how long what was read at Stripe and is somebody else's is known.
    """

    books: Books
    search: LedgerSearch
    reader: StripeReader
    clock: Clock
    telemetry: Telemetry
    stage: Stage
    foreign_pointer_seconds: int

    def __call__(self, delivery: Delivery, event: StripeEvent) -> Fold:
        """The decision, on rows that were read just now, or the fold that shows that it is done.

        Raises TryAgain (NotYetKnown, no budget, Stripe away, throttled), StripeRefused, and what a
        rule raises.
        """
        parents, event = Parents(), self._whole(event)
        for _ in range(_READS_MAX):
            fold = self.opened([event], parents)
            if fold.is_done(delivery):
                return fold
            unread = self._decided(fold, delivery, event)
            if unread is None:
                return fold
            parents = self._read(unread)
        raise TryAgain(f"{event.id} names a parent that leads nowhere")

    def _whole(self, event: StripeEvent) -> StripeEvent:
        """A thin event with its object, which tells whose it is."""
        rule = rule_for(event.type)
        if not event.is_thin or rule is None:
            return event
        return replace(event, object=self._retrieved(rule.resource, event.object_id or "").object)

    def event_of(self, delivery: Delivery) -> StripeEvent:
        """What the message carries no more than the id of: an event, or an object to look at.

        Raises as `__call__`, and UnreadableMessageError.
        """
        if delivery.event_id is None:
            raise UnreadableMessageError(delivery.message_id)
        if delivery.reading is None:
            return self.reader.event(delivery.event_id)
        rule = reading_rule_for(delivery.reading)
        if rule is None:
            raise UnreadableMessageError(delivery.message_id)
        seen = self._retrieved(rule.resource, delivery.reading)
        return StripeEvent.of_reading(
            delivery.event_id,
            rule.event_type,
            seen.object,
            at=seen.as_of,
            livemode=self.stage.livemode,
        )

    def opened(self, events: Sequence[StripeEvent], parents: Parents | None = None) -> Fold:
        """A fold over all rows that these events need, as they stand now. Raises TryAgain."""
        event_ids, row_ids, pointer_ids = keys_of(events, self.stage)
        pages = self.books.read(
            event_ids=event_ids,
            payment_ids=row_ids | (parents.aggregate_ids if parents else set()),
            pointer_ids=pointer_ids,
        )
        return Fold(
            pages,
            stage=self.stage,
            now=self.clock.now(),
            parents=parents,
            last_told=self._last_told(events, pages),
        )

    def _last_told(self, events: Sequence[StripeEvent], pages: Pages) -> dict[str, DomainEvent]:
        """Of rows that were lost and shall begin anew: the last that the bus was told of each."""
        found = {}
        for event in events:
            rule, lost = rule_for(event.type), owner_of(event, self.stage).aggregate_id
            if rule is None or rule.restores is None or not lost or lost in pages.aggregates:
                continue
            told = [one for row in self.search.about(lost) for one in row.domain_events]
            if told:
                found[lost] = max(told, key=lambda one: one.version)
        return found

    def _decided(self, fold: Fold, delivery: Delivery, event: StripeEvent) -> Parent | None:
        """With a fetch where the payload cannot decide: after the read, or it could be older.

        Answers the parent that has to be read before, together with its row.
        """
        rule = rule_for(event.type)
        seen = None
        anew = delivery.is_forced or event.is_thin
        looked_at = delivery.reading or (event.object_id if anew else None)
        if looked_at and rule:
            # A payload of long ago, and the look that told whose it is, may be older than the row.
            seen = self._retrieved(rule.resource, looked_at)
        wanted = fold.add(delivery, event, seen=seen)
        if isinstance(wanted, ReadParent):
            return wanted.parent
        if wanted and rule:
            seen = self._retrieved(wanted.resource or rule.resource, wanted.object_id)
            fold.add(delivery, event, seen=seen)
        return None

    def _read(self, parent: Parent) -> Parents:
        """Whose the parent is, by its own marks."""
        try:
            found = self._retrieved(parent.resource, parent.id).object
        except StripeRefused as error:
            if error.http_status != HTTPStatus.NOT_FOUND:
                raise
            # What we make is never deleted at Stripe. Not remembered: a wrong key sees none of it.
            return Parents(owned_by={parent.id: FOREIGN})
        owner = owner_of_object(found, self.stage)
        return Parents(
            owned_by={parent.id: owner.aggregate_id or FOREIGN},
            expires_at=int(self.clock.now()) + self.foreign_pointer_seconds,
        )

    def _retrieved(self, resource: str, object_id: str) -> Sighting:
        self.telemetry.count("StripeFetches")
        return self.reader.retrieve(resource, object_id)
