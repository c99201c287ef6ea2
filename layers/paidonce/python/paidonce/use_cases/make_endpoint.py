"""Make a webhook endpoint at Stripe for one name, with exactly the events that have rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paidonce.domain.errors import RotationRefused, TryAgain
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.moment import iso
from paidonce.domain.ownership import STAGE_MARK
from paidonce.domain.signing_document import (
    DEFAULT_NAME,
    ENDPOINTS_MAX,
    LiveEndpoint,
)
from paidonce.use_cases.edit_signing import EditSigning
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.rotation_ports import WebhookEndpoint, WebhookEndpoints

# Beside the stage's mark: which route, and the token of the rotation that made it.
NAME_MARK = "paidonce_endpoint"
GENERATION_MARK = "paidonce_generation"


@dataclass(frozen=True, kw_only=True)
class EndpointMaker:
    """What every endpoint of a stage is made with; `webhook_url` is the plain route's."""

    endpoints: WebhookEndpoints
    stage: str
    webhook_url: str
    event_types: Sequence[str]

    def __post_init__(self) -> None:
        """An endpoint without events would lose all of them in silence."""
        if not self.event_types:
            raise ValueError("no event type has a rule")

    def url_of(self, name: str) -> str:
        """The public URL of a name's route."""
        return self.webhook_url if name == DEFAULT_NAME else f"{self.webhook_url}/{name}"

    def check_room(self, wanted: int, standing: int) -> None:
        """Raises RotationRefused when Stripe has no room for so many more endpoints."""
        if standing + wanted > ENDPOINTS_MAX:
            raise RotationRefused(
                f"Stripe allows {ENDPOINTS_MAX} webhook endpoints an account; {standing} stand"
                f" and {wanted} more are needed: delete some that nobody uses"
            )

    def make(self, name: str, *, token: str, time_left: TimeLeft) -> LiveEndpoint:
        """The endpoint of this name and token; asked again it is the same one.

        Raises as `WebhookEndpoints.create`.
        """
        made = self.endpoints.create(
            url=self.url_of(name),
            event_types=self.event_types,
            metadata={STAGE_MARK: self.stage, NAME_MARK: name, GENERATION_MARK: token},
            idempotency_key=f"whe_{token}_{name}",
            time_left=time_left,
        )
        if made.secret is None:
            raise TryAgain("Stripe made an endpoint without a secret")
        return LiveEndpoint(id=made.id, name=name, secret=made.secret, created=iso(made.created))

    def is_ours(self, endpoint: WebhookEndpoint) -> bool:
        """Was it made by this stage?"""
        return endpoint.metadata.get(STAGE_MARK) == self.stage

    def serves(self, endpoint: LiveEndpoint, found: Mapping[str, WebhookEndpoint]) -> bool:
        """Does Stripe deliver to it: is it there, and enabled?"""
        return endpoint.id in found and found[endpoint.id].is_enabled


@dataclass(frozen=True, kw_only=True)
class MakeEndpoint:
    """The first endpoint of a name, or one more where Stripe has lost all of its endpoints."""

    maker: EndpointMaker
    edit: EditSigning
    retire_after_seconds: float

    def __call__(self, name: str, *, time_left: TimeLeft) -> str:
        """The id of the name's endpoint, which Stripe delivers to and the document holds.

        Raises RotationRefused (no room), RotationRunning, TryAgain and what Stripe's calls raise.
        After a crash the next call goes on with the same endpoint for a day.
        """
        version_id, document = self.edit.reading()
        found = self._found(time_left)
        for standing in document.live(name):
            if self.maker.serves(standing, found):
                return standing.id
        self.maker.check_room(1, len(found))
        token = fingerprint("make_endpoint", version_id, name)
        new = self.maker.make(name, token=token, time_left=time_left)
        retire_after = self.edit.clock.now() + self.retire_after_seconds
        self.edit(lambda now: now.succeeded(new, retire_after=retire_after))
        # A rotation that began meanwhile takes what stands in no document for left over.
        if new.id not in self._found(time_left):
            raise TryAgain("the endpoint was taken away while it was made")
        return new.id

    def _found(self, time_left: TimeLeft) -> Mapping[str, WebhookEndpoint]:
        return {one.id: one for one in self.maker.endpoints.all(time_left=time_left)}
