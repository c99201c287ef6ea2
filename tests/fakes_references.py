"""The events queue for ids, in memory: a fake of the port `References`."""

from dataclasses import dataclass, field

from paidonce.use_cases.references import Reference

from tests.fakes import Faults


@dataclass
class FakeReferences:
    """`References` as a list; what has no body is refused, as by the real one."""

    sent: list[Reference] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def send(self, reference: Reference) -> None:
        """See `References.send`."""
        with self.faults.around("send"):
            assert reference.body
            self.sent.append(reference)

    @property
    def queued(self) -> list[str]:
        """The names."""
        return [one.name for one in self.sent]
