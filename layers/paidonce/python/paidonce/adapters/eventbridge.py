"""The bus in EventBridge."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking, is_temporary_code
from paidonce.domain.announcement import Announcement
from paidonce.use_cases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

# Of one call: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
ENTRIES_MAX = 10
# The lowest limit that PutEvents has had: ten entries of ours are a tenth of it.
BYTES_MAX = 256 * 1024
# Pauses before what was refused for a passing reason is put again, in seconds; whoever calls tries
# again much later.
_AGAIN_AFTER = (0.1, 0.4)


class EventBridgeBus:
    """The port `EventBus`."""

    def __init__(self, client: "EventBridgeClient", *, bus_name: str, clock: Clock) -> None:
        self._client = client
        self._bus_name = bus_name
        self._clock = clock

    def put(self, announcements: Sequence[Announcement]) -> Mapping[str, str]:
        """See `EventBus.put`."""
        refused: dict[str, str] = {}
        for part in _parts(announcements):
            refused |= self._put_part(part)
        return refused

    def _put_part(self, part: Sequence[Announcement]) -> dict[str, str]:
        """One call, and again for entries whose refusal may pass: a refusal is no exception."""
        codes = self._put_once(part)
        for pause_seconds in _AGAIN_AFTER:
            again = [one for one in part if is_temporary_code(codes.get(one.id))]
            if not again:
                break
            self._clock.pause(pause_seconds * random.uniform(0.5, 1.5))
            lasting = {i: code for i, code in codes.items() if not is_temporary_code(code)}
            codes = lasting | self._put_once(again)
        return codes

    def _put_once(self, part: Sequence[Announcement]) -> dict[str, str]:
        """Ids of those that were not taken, with AWS's code."""
        with asking("EventBridge"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": one.source,
                        "DetailType": one.type,
                        "Detail": one.detail,
                    }
                    for one in part
                ]
            )
        entries = zip(part, answer["Entries"], strict=True)
        return {one.id: entry["ErrorCode"] for one, entry in entries if "ErrorCode" in entry}


def _parts(announcements: Sequence[Announcement]) -> Iterator[list[Announcement]]:
    """As many as one call takes; one that is too large goes alone, and AWS says so."""
    part: list[Announcement] = []
    size = 0
    for one in announcements:
        bytes_of_one = sum(len(text.encode()) for text in (one.source, one.type, one.detail))
        if part and (len(part) == ENTRIES_MAX or size + bytes_of_one > BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(one)
        size += bytes_of_one
    if part:
        yield part
