"""Notices in memory."""

from paidonce.domain.notice import Notice

from tests.fakes import Faults


class FakeNotices:
    """`Notices` that keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Notice] = []
        self.faults = Faults()

    def send(self, notice: Notice) -> None:
        """See `Notices.send`."""
        with self.faults.around("send"):
            self.sent.append(notice)
