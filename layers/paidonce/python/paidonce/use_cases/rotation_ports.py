"""What rotation asks of the world: versions of a secret, webhook endpoints at Stripe, our URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from paidonce.domain.rotation import Step
from paidonce.use_cases.ports import TimeLeft


class Rotation(Protocol):
    """How one secret rotates: what `rotate_secret` calls for each of Secrets Manager's steps."""

    def __call__(self, step: Step, token: str, *, time_left: TimeLeft) -> None:
        """Do a step for the version `token`; repeatable after a crash at any line.

        Raises RotationRefused with a sentence, and TryAgain: either ends this rotation.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class VersionMade:
    """That a secret got a version, never what is in it; `made_at` is ISO 8601, UTC."""

    id: str
    made_at: str
    labels: frozenset[str]


class SecretHistory(Protocol):
    """When a secret changed."""

    @property
    def name(self) -> str:
        """See `SecretVersions.name`."""
        ...

    def made(self) -> Sequence[VersionMade] | None:
        """Every version that is still known, also those that no label is on.

        None when we are not allowed to ask; raises TryAgain.
        """
        ...


class SecretVersions(Protocol):
    """One secret with all of its versions: JSON documents, each under some staging labels."""

    @property
    def name(self) -> str:
        """The secret's name, as people and logs call it."""
        ...

    def labels(self) -> Mapping[str, str]:
        """Which version has each label that there is; raises TryAgain."""
        ...

    def read(self, version_id: str) -> Mapping[str, Any] | None:
        """A version's document; None when it has no value, or none that is a JSON object.

        Raises TryAgain.
        """
        ...

    def put(self, document: Mapping[str, Any], *, version_id: str, label: str) -> None:
        """Write a new version with this id (32 to 64 characters), and put the label on it.

        The same id with the same document is a repeat and does nothing, its label included; with
        another document it is refused (a bug). Raises TryAgain.
        """
        ...

    def move(self, label: str, *, to: str | None, taken_from: str | None) -> None:
        """Put a label on another version, or on none, if it sits where we think.

        Raises ChangedMeanwhile when it does not, TryAgain.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint:
    """A webhook endpoint as Stripe shows it; `created` in seconds since 1970.

    `secret` is None but in the answer that made it.
    """

    id: str
    url: str
    event_types: tuple[str, ...]
    is_enabled: bool
    created: int
    api_version: str | None
    metadata: Mapping[str, str]
    secret: str | None = field(default=None, repr=False)


class WebhookEndpoints(Protocol):
    """Our webhook endpoints at Stripe; each call tries again while `time_left` lasts.

    Raises TryAgain (no usable answer; of `create` the outcome is then unknown), KeyRefused,
    NotConfigured, StripeRefused.
    """

    def create(
        self,
        *,
        url: str,
        event_types: Sequence[str],
        metadata: Mapping[str, str],
        idempotency_key: str,
        time_left: TimeLeft,
    ) -> WebhookEndpoint:
        """A new endpoint, pinned to the stage's API version, with its secret.

        The same key gives the same answer again for a day, also after it was deleted.
        """
        ...

    def all(self, *, time_left: TimeLeft) -> Sequence[WebhookEndpoint]:
        """Every endpoint of the account, also those that are not ours."""
        ...

    def subscribe(
        self,
        endpoint_id: str,
        event_types: Sequence[str],
        *,
        idempotency_key: str,
        time_left: TimeLeft,
    ) -> None:
        """Let it be sent exactly these events, and be enabled; a new key for each new wish."""
        ...

    def disable(self, endpoint_id: str, *, time_left: TimeLeft) -> None:
        """Let nothing more be sent to it; one that is gone is as good."""
        ...

    def delete(self, endpoint_id: str, *, time_left: TimeLeft) -> None:
        """Forget it; one that is gone is as good."""
        ...


class PublicDoor(Protocol):
    """The receiver as Stripe reaches it: through the stage's public URL."""

    def deliver(self, url: str, body: bytes, *, signature: str) -> int | None:
        """POST a webhook; the answer's status, or None when there was no answer."""
        ...
