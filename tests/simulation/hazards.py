"""What befalls an invocation at its n-th port call: it dies, or the call does, or others act."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from paidonce.domain.errors import ChangedMeanwhile, OutcomeUnknown, TryAgain

from tests.simulation.simulated_sqs import refused

# Seconds that a port call takes; a second holds many of them.
CALL_SECONDS = 0.004


class Step(NamedTuple):
    """One thing that happens. `name` finds the code, `numbers` are its details.

    `faults` befall the invocation that the step makes, if it makes one.
    """

    name: str
    numbers: tuple[int, ...] = ()
    faults: tuple["Fault", ...] = ()

    def __str__(self) -> str:
        """As a failing schedule is printed."""
        words = [self.name, *(str(n) for n in self.numbers)]
        return " ".join(words) + "".join(f" [{fault}]" for fault in self.faults)


class Fault(NamedTuple):
    """At port call number `call` (from 1), or the first of that name: `kind`, and others' step."""

    call: int | str
    kind: str
    meanwhile: Step | None = None

    def __str__(self) -> str:
        """As a failing schedule is printed."""
        tail = f": {self.meanwhile}" if self.meanwhile else ""
        return f"at call {self.call} {self.kind}{tail}"


class Crash(BaseException):
    """The process is gone: nothing in the product may catch this."""


@dataclass
class Frame:
    """One invocation. `deadline`: at which Lambda kills it."""

    deadline: float
    faults: dict[int | str, Fault]
    calls: int = 0


def _throttled(name: str) -> Exception:
    if name in _OF_AWS:
        return refused("ThrottlingException", name)
    return OutcomeUnknown(name) if name in ("create_intent", "send") else TryAgain(name)


def _conflict(name: str, arguments: Mapping[str, Any]) -> Exception:
    if name in ("commit", "save", "note_try"):
        return ChangedMeanwhile(name)
    if name != "transact_write_items":
        return _throttled(name)
    reasons: list[dict[str, str]] = [{"Code": "None"} for _ in arguments["TransactItems"]]
    reasons[0] = {"Code": "TransactionConflict"}
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "simulated"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, name)


# Calls of boto3 clients; the others are calls of ports.
_OF_AWS = frozenset(
    {
        "send_message",
        "delete_message_batch",
        "change_message_visibility",
        "batch_get_item",
        "get_item",
        "put_item",
        "update_item",
        "transact_write_items",
        "query",
        "put_events",
        "publish",
    }
)


# A fault by name means the same call behind the fakes and behind the adapters.
_WORD_OF = {"transact_write_items": "commit", "batch_get_item": "read", "put_item": "park"}


class Invocation:
    """The frame is the innermost one inside; a class, since a schedule enters it 150 times."""

    def __init__(self, frames: list[Frame], frame: Frame) -> None:
        self._frames = frames
        self._frame = frame

    def __enter__(self) -> None:
        """It begins."""
        self._frames.append(self._frame)

    def __exit__(self, *_: object) -> None:
        """It ends, or its process does."""
        self._frames.pop()


class Hazards:
    """Stands before every port. `perform` runs a step in between; `pass_time` moves the clock."""

    def __init__(
        self,
        *,
        now: Callable[[], float],
        pass_time: Callable[[float], None],
        perform: Callable[[Step], None],
    ) -> None:
        self._now = now
        self._pass_time = pass_time
        self._perform = perform
        self._frames: list[Frame] = []
        self.happened: Counter[str] = Counter()

    @property
    def depth(self) -> int:
        """How many invocations are under way."""
        return len(self._frames)

    @property
    def deadline(self) -> float:
        """When the innermost invocation is killed."""
        return self._frames[-1].deadline

    def invocation(self, *, seconds: float, faults: tuple[Fault, ...]) -> "Invocation":
        """One invocation, from its start to its end."""
        frame = Frame(self._now() + seconds, {fault.call: fault for fault in faults})
        return Invocation(self._frames, frame)

    def guarded(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, with whatever befalls it."""
        frames = self._frames
        word = _WORD_OF.get(name, name)

        def called(*args: Any, **named: Any) -> Any:
            if not frames:
                return call(*args, **named)
            frame = frames[-1]
            frame.calls += 1
            if frame.faults:
                fault = frame.faults.pop(frame.calls, None) or frame.faults.pop(word, None)
                if fault is not None:
                    return self._befall(frame, fault, name, call, args, named)
            self._pass_time(CALL_SECONDS)
            if self._now() > frame.deadline:
                raise Crash("killed by its timeout")
            return call(*args, **named)

        return called

    def _befall(
        self,
        frame: Frame,
        fault: Fault,
        name: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        named: dict[str, Any],
    ) -> Any:
        kind = fault.kind
        self.happened[kind] += 1
        if kind == "crash before":
            raise Crash
        if kind == "throttled":
            raise _throttled(name)
        if kind == "conflict":
            raise _conflict(name, named)
        if kind == "refused" and name == "send_message":
            raise refused("InvalidMessageContents", name)
        if kind == "timeout":
            self._pass_time(5.0)
            raise _throttled(name)
        if kind == "others before" and fault.meanwhile:
            self._others(frame, fault.meanwhile)
        answer = call(*args, **named)
        if kind == "crash after":
            raise Crash
        if kind == "answer lost":
            raise _throttled(name)
        if kind == "others after" and fault.meanwhile:
            self._others(frame, fault.meanwhile)
        return answer

    def _others(self, frame: Frame, step: Step) -> None:
        self._perform(step)
        # Others take their time: sometimes the second is another one afterwards.
        self._pass_time((0.0, 0.2, 1.1)[step.numbers[-1] % 3])
        if self._now() > frame.deadline:
            raise Crash("killed by its timeout")
