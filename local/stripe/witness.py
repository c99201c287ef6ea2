"""What was asked of an account: `GET /_test/requests` shows it."""

from collections import deque
from dataclasses import dataclass, field

from local.stripe.keys import ApiKey
from local.stripe.shapes import Json

# A long test run asks some ten thousand times; whoever looks compares `total` with what is shown.
_KEPT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came, before any fault; the idempotency key also where none belongs."""

    method: str
    path: str
    key: ApiKey
    idempotency_key: str | None

    def described(self) -> Json:
        """The request as the control shows it: `key` is `sk`, `rk` or `pk`, never the key."""
        return {
            "method": self.method,
            "path": self.path,
            "key": self.key.kind.value,
            "idempotency_key": self.idempotency_key,
        }


@dataclass(slots=True)
class Witness:
    """The last requests with a valid key, and how many there were in all."""

    total: int = 0
    kept: deque[Asked] = field(default_factory=lambda: deque(maxlen=_KEPT_MAX))

    def saw(self, asked: Asked) -> None:
        """One more."""
        self.total += 1
        self.kept.append(asked)
