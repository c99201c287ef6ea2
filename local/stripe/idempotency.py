"""Idempotency keys as Stripe documents them: docs.stripe.com/api/idempotent_requests."""

from dataclasses import dataclass, field

from local.stripe.clock import Clock
from local.stripe.errors import StripeError, invalid
from local.stripe.shapes import Json

# "You can remove keys from the system automatically after they're at least 24 hours old."
_EXPIRY_SECONDS = 24 * 3600
_LENGTH_MAX = 255


@dataclass(slots=True)
class Remembered:
    """The first request under a key and, once it is there, its answer."""

    method: str
    path: str
    params: Json
    request_id: str
    since: int
    status: int | None = None
    body: bytes = b""


@dataclass(slots=True)
class IdempotencyBook:
    """One account's keys."""

    clock: Clock
    _entries: dict[str, Remembered] = field(default_factory=dict)

    def begin(
        self, key: str, *, method: str, path: str, params: Json, request_id: str
    ) -> Remembered | None:
        """The remembered answer to give again; None when the work is to be done now."""
        if len(key) > _LENGTH_MAX:
            raise invalid("Idempotency keys can be at most 255 characters long.")
        known = self._entries.get(key)
        if known is not None and self.clock.now() - known.since >= _EXPIRY_SECONDS:
            known = None
        if known is None:
            self._entries[key] = Remembered(method, path, params, request_id, self.clock.now())
            return None
        if known.path != path or known.method != method:
            raise _reused(
                "Keys for idempotent requests can only be used for the same endpoint they were"
                f" first used for ('{known.path}' vs '{path}'). Try using a key other than"
                f" '{key}' if you meant to execute a different request."
            )
        if known.params != params:
            raise _reused(
                "Keys for idempotent requests can only be used with the same parameters they"
                f" were first used with. Try using a key other than '{key}' if you meant to"
                " execute a different request."
            )
        if known.status is None:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key"
                " (that probably means you submitted twice, and the other request is still"
                f" going through): {key}. Please try again later.",
                code="idempotency_key_in_use",
                stored=False,
            )
        return known

    def finish(self, key: str, status: int, body: bytes) -> None:
        """Remembers the answer."""
        entry = self._entries[key]
        entry.status, entry.body = status, body

    def forget(self, key: str) -> None:
        """Nothing began, so the key is free again."""
        self._entries.pop(key, None)


def _reused(message: str) -> StripeError:
    return StripeError(400, message, kind="idempotency_error", stored=False)
