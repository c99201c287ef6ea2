"""Replay events of Stripe's list: the same queue, the same rules, under the operator's name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paidonce.domain.moment import iso
from paidonce.use_cases.dead_letters import PER_SECOND_MAX, Deed
from paidonce.use_cases.ports import Clock, Letter, Letterbox, TimeLeft
from paidonce.use_cases.stripe_ports import StripeGateway

# https://docs.stripe.com/api/events/list: "up to 20 event names".
_TYPES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class ReplayEvents:
    """The verb behind `paidonce replay`."""

    gateway: StripeGateway
    letterbox: Letterbox
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
            self.letterbox.put(_letter(event, deed, force=force, at=iso(self.clock.now())))
            yield str(event["id"])
            self.clock.pause(1 / per_second)


def _letter(event: Mapping[str, Any], deed: Deed, *, force: bool, at: str) -> Letter:
    return Letter(
        body=json.dumps({"kind": "event", "schema": 1, "id": event["id"]}),
        attributes={
            "event_id": event["id"],
            "event_type": event["type"],
            "livemode": "true" if event["livemode"] else "false",
            "correlation_id": f"replay-{deed.id}",
            "received_at": at,
            "replay_id": deed.id,
            **({"replay_force": "true"} if force else {}),
        },
    )
