"""Notify: send the notice that a domain event asks for."""

from dataclasses import dataclass
from typing import Protocol

from paidonce.domain.announcement import Announcement
from paidonce.domain.notice import Notice, notice_of
from paidonce.use_cases.ports import Telemetry


class Notices(Protocol):
    """Where notices go: one topic for customers' messages, one for the back office."""

    def send(self, notice: Notice) -> None:
        """Returns when the topic has it; raises TryAgain."""
        ...


@dataclass(frozen=True, kw_only=True)
class Notify:
    """What the example consumer does with one domain event."""

    notices: Notices
    telemetry: Telemetry

    def __call__(self, told: Announcement) -> None:
        """Raises TryAgain while the notice cannot be sent."""
        notice = notice_of(told)
        if notice is None:
            return
        self.notices.send(notice)
        self.telemetry.count("NoticesSent")
        self.telemetry.fact(
            "notice sent",
            domain_event_id=notice.id,
            notice=notice.kind,
            audience=notice.audience.value,
            aggregate_id=notice.object_id,
            correlation_id=told.correlation_id,
        )
