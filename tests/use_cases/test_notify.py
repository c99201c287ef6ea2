"""A consumer has its effect once for each domain event, and fails alone."""

from dataclasses import dataclass, field

from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.errors import TryAgain
from paidonce.use_cases.consume import Consume, Message
from paidonce.use_cases.notify import Notify

from tests.a_change import a_domain_event, a_told_row, an_envelope
from tests.examples import STAGE, a_payment
from tests.fakes import FakeLease
from tests.fakes_notices import FakeNotices
from tests.fakes_telemetry import FakeTelemetry


def announced(event_type: str = "payment.paid", version: int = 3) -> Announcement:
    event = a_domain_event(
        event_type,
        id=f"pay_1.{version}.{event_type}",
        version=version,
        object=a_payment(version=version).view(),
    )
    return announcements_of(a_told_row(event), STAGE)[0]


@dataclass
class Consumer:
    """notify on fakes."""

    notices: FakeNotices = field(default_factory=FakeNotices)
    lease: FakeLease = field(default_factory=FakeLease)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    def takes(self, *told: Announcement | str) -> set[str]:
        """Ids of messages that come again; they are numbered from 1."""
        consume = Consume(
            lease=self.lease,
            telemetry=self.telemetry,
            act=Notify(notices=self.notices, telemetry=self.telemetry),
        )
        bodies = [one if isinstance(one, str) else an_envelope(one) for one in told]
        return consume(
            [Message(message_id=str(n), body=body) for n, body in enumerate(bodies, start=1)]
        )


def test_a_domain_event_that_comes_again_makes_one_notice() -> None:
    desk = Consumer()
    assert desk.takes(announced(), announced()) == set()
    assert desk.takes(announced()) == set()
    assert [notice.id for notice in desk.notices.sent] == ["pay_1.3.payment.paid"]
    assert desk.telemetry.counts["RepeatsSkipped"] == 2


def test_a_notice_is_not_left_out_because_a_newer_version_came_first() -> None:
    desk = Consumer()
    desk.takes(announced("dispute.opened", version=5), announced("payment.paid", version=3))
    assert [n.id for n in desk.notices.sent] == ["pay_1.5.dispute.opened", "pay_1.3.payment.paid"]


def test_a_notice_that_could_not_be_sent_is_sent_by_the_next_try() -> None:
    desk = Consumer()
    desk.notices.faults.plan("send", TryAgain("away"))
    assert desk.takes(announced()) == {"1"}
    assert desk.takes(announced()) == set()
    assert len(desk.notices.sent) == 1


def test_what_nobody_reads_fails_alone() -> None:
    desk = Consumer()
    assert desk.takes("{}", announced()) == {"1"}
    assert len(desk.notices.sent) == 1
    assert desk.telemetry.counts["ConsumerFailures"] == 1


def test_an_event_that_somebody_else_works_on_comes_again() -> None:
    desk = Consumer()
    desk.lease.held.add("pay_1.3.payment.paid")
    assert desk.takes(announced()) == {"1"}
    assert desk.notices.sent == []


def test_an_event_that_asks_for_no_notice_is_done() -> None:
    desk = Consumer()
    assert desk.takes(announced("payment.canceled")) == set()
    assert desk.notices.sent == []
