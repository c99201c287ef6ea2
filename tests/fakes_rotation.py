"""A secret with its versions, Stripe's webhook endpoints and our public URL, in memory."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.moment import iso
from paidonce.domain.rotation import CURRENT, PENDING, PREVIOUS
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.rotation_ports import VersionMade, WebhookEndpoint

from tests.fakes import FakeClock, Faults

FIRST_VERSION = "v" * 32


class FakeSecretVersions:
    """`SecretVersions` and `SecretHistory` with the rules of Secrets Manager."""

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        name: str = "paidonce/t/signing",
        clock: FakeClock | None = None,
    ) -> None:
        self.name = name
        self.clock = clock or FakeClock()
        self.made_at = {FIRST_VERSION: iso(self.clock.now())}
        self.is_listed = True
        self.versions: dict[str, str | None] = {FIRST_VERSION: json.dumps(document)}
        self.labelled: dict[str, str] = {CURRENT: FIRST_VERSION}
        self.faults = Faults()

    def labels(self) -> Mapping[str, str]:
        """See `SecretVersions.labels`."""
        with self.faults.around("labels"):
            return dict(self.labelled)

    def made(self) -> Sequence[VersionMade] | None:
        """See `SecretHistory.made`."""
        with self.faults.around("made"):
            if not self.is_listed:
                return None
            return [
                VersionMade(
                    id=version_id,
                    made_at=made_at,
                    labels=frozenset(n for n, at in self.labelled.items() if at == version_id),
                )
                for version_id, made_at in self.made_at.items()
            ]

    def read(self, version_id: str) -> Mapping[str, Any] | None:
        """See `SecretVersions.read`."""
        with self.faults.around("read"):
            text = self.versions.get(version_id)
            return None if text is None else json.loads(text)

    def put(self, document: Mapping[str, Any], *, version_id: str, label: str) -> None:
        """See `SecretVersions.put`."""
        with self.faults.around("put"):
            assert 32 <= len(version_id) <= 64
            text = json.dumps(document, sort_keys=True)
            standing = self.versions.get(version_id)
            if standing is not None:
                assert standing == text, "another value under a token that is used"
                return
            self.versions[version_id] = text
            self.made_at.setdefault(version_id, iso(self.clock.now()))
            self.labelled[label] = version_id

    def move(self, label: str, *, to: str | None, taken_from: str | None) -> None:
        """See `SecretVersions.move`."""
        with self.faults.around("move"):
            assert to is None or to in self.versions
            if self.labelled.get(label) != taken_from or to == taken_from:
                raise ChangedMeanwhile(label)
            if to is None:
                assert label != CURRENT
                del self.labelled[label]
                return
            self.labelled[label] = to
            if label == CURRENT and taken_from is not None:
                self.labelled[PREVIOUS] = taken_from

    # --- what Secrets Manager itself does --------------------------------------------------------

    def begin_rotation(self, token: str) -> None:
        """What RotateSecret does before the first step; refused while another one is running."""
        assert self.labelled.get(PENDING) in {None, self.labelled[CURRENT], token}, "not complete"
        self.versions.setdefault(token, None)
        self.made_at.setdefault(token, iso(self.clock.now()))
        if self.labelled.get(PENDING) != token and self.labelled[CURRENT] != token:
            self.labelled[PENDING] = token

    @property
    def current(self) -> dict[str, Any]:
        """The current document."""
        document: dict[str, Any] = json.loads(self.versions[self.labelled[CURRENT]] or "null")
        return document


@dataclass
class FakeWebhookEndpoints:
    """`WebhookEndpoints` with Stripe's idempotency and its limit."""

    clock: FakeClock = field(default_factory=FakeClock)
    standing: dict[str, WebhookEndpoint] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    _answers: dict[str, WebhookEndpoint] = field(default_factory=dict)

    def create(
        self,
        *,
        url: str,
        event_types: Sequence[str],
        metadata: Mapping[str, str],
        idempotency_key: str,
        time_left: TimeLeft,  # noqa: ARG002 - the port's shape
    ) -> WebhookEndpoint:
        """See `WebhookEndpoints.create`."""
        with self.faults.around("create"):
            if idempotency_key not in self._answers:
                number = len(self.secrets) + 1
                made = WebhookEndpoint(
                    id=f"we_{number}",
                    url=url,
                    event_types=tuple(event_types),
                    is_enabled=True,
                    created=int(self.clock.now()),
                    api_version="2026-10-28.endive",
                    metadata=dict(metadata),
                    secret="wh" + f"sec_{number}",
                )
                self._answers[idempotency_key] = made
                self.standing[made.id] = replace(made, secret=None)
                self.secrets[made.id] = str(made.secret)
            return self._answers[idempotency_key]

    def all(self, *, time_left: TimeLeft) -> Sequence[WebhookEndpoint]:  # noqa: ARG002 - the port's shape
        """See `WebhookEndpoints.all`."""
        with self.faults.around("all"):
            return copy.copy(list(self.standing.values()))

    def subscribe(
        self,
        endpoint_id: str,
        event_types: Sequence[str],
        *,
        idempotency_key: str,  # noqa: ARG002 - the port's shape
        time_left: TimeLeft,  # noqa: ARG002 - the port's shape
    ) -> None:
        """See `WebhookEndpoints.subscribe`."""
        with self.faults.around("subscribe"):
            self.standing[endpoint_id] = replace(
                self.standing[endpoint_id], event_types=tuple(event_types), is_enabled=True
            )

    def disable(self, endpoint_id: str, *, time_left: TimeLeft) -> None:  # noqa: ARG002 - the port's shape
        """See `WebhookEndpoints.disable`."""
        with self.faults.around("disable"):
            if endpoint_id in self.standing:
                self.standing[endpoint_id] = replace(self.standing[endpoint_id], is_enabled=False)

    def delete(self, endpoint_id: str, *, time_left: TimeLeft) -> None:  # noqa: ARG002 - the port's shape
        """See `WebhookEndpoints.delete`."""
        with self.faults.around("delete"):
            self.standing.pop(endpoint_id, None)


@dataclass
class FakeDoor:
    """`PublicDoor`; `answer` says what the receiver answers to a body and its signature."""

    answer: Callable[[str, bytes, str], int | None] = lambda _url, _body, _signature: 200
    delivered: list[tuple[str, bytes]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def deliver(self, url: str, body: bytes, *, signature: str) -> int | None:
        """See `PublicDoor.deliver`."""
        with self.faults.around("deliver"):
            self.delivered.append((url, body))
            return self.answer(url, body, signature)


@dataclass
class FakeSweeps:
    """`Sweeps` in memory."""

    stored: Sweep | None = None
    faults: Faults = field(default_factory=Faults)

    def standing(self) -> Sweep | None:
        """See `Sweeps.standing`."""
        with self.faults.around("standing"):
            return self.stored

    def save(self, sweep: Sweep, *, over: Sweep | None) -> Sweep:
        """See `Sweeps.save`."""
        with self.faults.around("save"):
            standing = 0 if self.stored is None else self.stored.version
            if standing != (0 if over is None else over.version):
                raise ChangedMeanwhile("sweep")
            self.stored = replace(sweep, version=standing + 1)
            return self.stored
