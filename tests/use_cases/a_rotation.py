"""A stage whose signing secret rotates: Secrets Manager, Stripe and the receiver in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from paidonce.domain.errors import SignatureInvalid
from paidonce.domain.ownership import Stage
from paidonce.domain.rotation import CURRENT, PENDING, Step
from paidonce.domain.signature import verify
from paidonce.domain.signing_document import SigningDocument
from paidonce.use_cases.edit_signing import EditSigning
from paidonce.use_cases.make_endpoint import EndpointMaker, MakeEndpoint
from paidonce.use_cases.retire_endpoints import RetireEndpoints
from paidonce.use_cases.ring_receiver import RingReceiver
from paidonce.use_cases.rotate_signing import RotateSigning

from tests.fakes import FakeClock, Faults
from tests.fakes_rotation import FakeDoor, FakeSecretVersions, FakeSweeps, FakeWebhookEndpoints
from tests.fakes_telemetry import FakeTelemetry

PLACEHOLDER: dict[str, object] = {"based_on": None, "endpoints": []}
URL = "https://api.example.com/webhooks/stripe"
TYPES = ("payment_intent.canceled", "payment_intent.succeeded")
RETIRE_AFTER = 3600.0
STEP_SECONDS = 60.0


class Crash(BaseException):
    """The function's container is gone, at once."""


class CrashingFaults(Faults):
    """Ends the process before or after the nth call to anything outside."""

    def __init__(self) -> None:
        super().__init__()
        self.at: int | None = None
        self.is_after = False

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """Crash where it was planned."""
        with super().around(call):
            is_now = len(self.calls) == self.at
            if is_now and not self.is_after:
                raise Crash(call)
            yield
            if is_now and self.is_after:
                raise Crash(call)


@dataclass
class RotatingStage:
    """All that the use cases of rotation are wired with."""

    faults: CrashingFaults = field(default_factory=CrashingFaults)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    def __post_init__(self) -> None:
        """Every fake shares one list of calls."""
        self.secret = FakeSecretVersions(PLACEHOLDER)
        self.stripe = FakeWebhookEndpoints(clock=self.clock)
        self.door = FakeDoor(answer=self._receive)
        self.sweeps = FakeSweeps()
        for fake in (self.secret, self.stripe, self.door, self.sweeps):
            fake.faults = self.faults
        self.maker = EndpointMaker(
            endpoints=self.stripe, stage="t", webhook_url=URL, event_types=TYPES
        )
        self.edit = EditSigning(secret=self.secret, clock=self.clock)
        self.make_endpoint = MakeEndpoint(
            maker=self.maker, edit=self.edit, retire_after_seconds=RETIRE_AFTER
        )
        self.rotation = RotateSigning(
            secret=self.secret,
            maker=self.maker,
            ring=RingReceiver(
                door=self.door,
                clock=self.clock,
                telemetry=self.telemetry,
                stage=Stage(name="t", livemode=False),
            ),
            clock=self.clock,
            telemetry=self.telemetry,
            retire_after_seconds=RETIRE_AFTER,
        )

        self.retirement = RetireEndpoints(
            edit=self.edit,
            maker=self.maker,
            sweeps=self.sweeps,
            clock=self.clock,
            telemetry=self.telemetry,
            retire_after_seconds=RETIRE_AFTER,
            overdue_after_seconds=35 * 86_400,
            late_after_seconds=86_400,
        )

    def _receive(self, url: str, body: bytes, signature: str) -> int:
        """A receiver that knows AWSCURRENT and AWSPENDING, as ours after a refresh."""
        name = "default" if url == URL else url.rpartition("/")[2]
        secrets = [
            one.secret
            for label in (CURRENT, PENDING)
            if (stored := self.secret.versions.get(self.secret.labelled.get(label, "")))
            for one in SigningDocument.read(json.loads(stored)).live(name)
        ]
        try:
            verify(signature, body, secrets=secrets, now=self.clock.now())
        except SignatureInvalid:
            return 400
        return 200

    # --- what Secrets Manager does ----------------------------------------------------------------

    def rotate(self, token: str) -> None:
        """RotateSecret with all of its steps; what a step raises ends it."""
        self.secret.begin_rotation(token)
        for step in Step:
            self.rotation(step, token, time_left=self.clock.time_left(STEP_SECONDS))

    def retire(self) -> list[str]:
        """One call of its schedule."""
        return list(self.retirement(time_left=self.clock.time_left(STEP_SECONDS)))

    def reconcile(self) -> None:
        """The sweep that was asked for is complete."""
        sweep = self.sweeps.stored
        if sweep is not None and not sweep.is_complete:
            self.sweeps.stored = replace(
                sweep, completed_at=int(self.clock.now()), version=sweep.version + 1
            )

    @property
    def document(self) -> SigningDocument:
        """What AWSCURRENT holds."""
        return SigningDocument.read(self.secret.current)
