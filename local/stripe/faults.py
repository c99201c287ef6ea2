"""What goes wrong on request: `POST /_test/faults`."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from local.stripe.shapes import Json

KINDS = ("429", "429_lock", "500", "503", "401", "lost_before", "lost_after")
_SLOW = re.compile(r"slow:(\d+(?:\.\d+)?)")


@dataclass(slots=True)
class Fault:
    """The next `times` requests to this method and path go wrong in this way."""

    method: str
    path: str
    kind: str
    times: int
    # What `Stripe-Should-Retry` says on the faulty answer; None leaves the header out.
    should_retry: bool | None = None
    fired: int = 0

    @property
    def slow_seconds(self) -> float:
        """How long the answer waits; 0 for other kinds."""
        match = _SLOW.fullmatch(self.kind)
        return float(match[1]) if match else 0.0

    def described(self) -> Json:
        """The fault as the controls show it."""
        return {
            "method": self.method,
            "path": self.path,
            "kind": self.kind,
            "times": self.times,
            "should_retry": self.should_retry,
            "fired": self.fired,
        }


@dataclass(slots=True)
class Faults:
    """One account's faults, in the order in which they were asked for."""

    planned: list[Fault] = field(default_factory=list)

    def plan(
        self, *, method: str, path: str, kind: str, times: int, should_retry: bool | None = None
    ) -> Fault:
        """Adds a fault; ValueError with a sentence for one that does not exist."""
        if kind not in KINDS and not _SLOW.fullmatch(kind):
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}, slow:SECONDS; not {kind}.")
        if times < 1:
            raise ValueError("`times` must be 1 or more.")
        # `{id}` and `*` both stand for any text; a bare `*` for every path.
        pattern = re.sub(r"\{[^/}]*\}", "*", path)
        fault = Fault(method.upper(), pattern, kind, times, should_retry)
        self.planned.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that fits, counted as fired."""
        for fault in self.planned:
            fits = fault.method in {"*", method} and fnmatchcase(path, fault.path)
            if fits and fault.fired < fault.times:
                fault.fired += 1
                return fault
        return None

    def clear(self) -> list[Json]:
        """Takes all back; answers how often each fired."""
        described = [fault.described() for fault in self.planned]
        self.planned.clear()
        return described
