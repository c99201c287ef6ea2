"""The operations queue in memory: what was left to `run_operation`."""

from paidonce.domain.operation import Operation

from tests.fakes import Faults


class FakeOperationQueue:
    """`OperationQueue` that keeps what was put."""

    def __init__(self) -> None:
        self.put_in: list[Operation] = []
        self.faults = Faults()

    def put(self, operation: Operation) -> None:
        """See `OperationQueue.put`."""
        with self.faults.around("put"):
            self.put_in.append(operation)
