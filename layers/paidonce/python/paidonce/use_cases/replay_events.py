"""Replay events of Stripe's list: the same queue, the same rules, under the operator's name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paidonce.use_cases.dead_letters import PER_SECOND_MAX, Deed
from paidonce.use_cases.ports import Clock, TimeLeft
from paidonce.use_cases.references import Reference, References
from paidonce.use_cases.stripe_ports import StripeGateway

# https://docs.stripe.com/api/events/list: "up to 20 event names".
_TYPES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class ReplayEvents:
    """The verb behind `paidonce replay`."""

    gateway: StripeGateway
    references: References
    clock: Clock

    def listed(
        self, types: Sequence[str], *, since: int, until: int, time_left: TimeLeft
    ) -> list[Mapping[str, Any]]:
        """Stripe's events of these types, the oldest first, as Stripe wrote them.

        Stripe keeps them for 30 days. Raises TryAgain, KeyRefused, NotConfigured, StripeRefused.
        """
        found: list[Mapping[str, Any]] = []
        for start in range(0, len(types), _TYPES_MAX):
            found += self.gateway.listed(
                "event",
                created_from=since,
                created_to=until,
                time_left=time_left,
                only={"types": list(types[start : start + _TYPES_MAX])},
            )
        return sorted(found, key=lambda event: int(event["created"]))

    def send(
        self,
        events: Sequence[Mapping[str, Any]],
        deed: Deed,
        *,
        force: bool,
        per_second: float,
    ) -> Iterator[str]:
        """Queue them by their ids, no faster than that; yields each id once the queue has it.

        The worker reads each from Stripe, in its share of the rate limit. Sent twice under one deed
        they are decided once. Raises TryAgain, and ValueError for a pace that is none.
        """
        if not 0 < per_second <= PER_SECOND_MAX:
            raise ValueError(f"from 0 to {PER_SECOND_MAX} a second")
        for event in events:
            self.references.send(
                Reference(
                    name=event["id"],
                    event_type=event["type"],
                    livemode=event["livemode"] is True,
                    correlation_id=f"replay-{deed.id}",
                    replay_id=deed.id,
                    is_forced=force,
                )
            )
            yield str(event["id"])
            self.clock.pause(1 / per_second)
