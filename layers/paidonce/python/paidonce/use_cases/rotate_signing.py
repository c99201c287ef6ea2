"""Rotate the signing secret: a second endpoint at Stripe for each name, tested, then promoted.

Both deliver until `retire_endpoints` ends the first; the ledger absorbs the copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.errors import ChangedMeanwhile, RotationRefused, StripeRefused
from paidonce.domain.rotation import CURRENT, PENDING, Step
from paidonce.domain.signing_document import DEFAULT_NAME, LIVE_OF_A_NAME_MAX, SigningDocument
from paidonce.use_cases.edit_signing import read_signing
from paidonce.use_cases.labels import call_off, still_pending, take_off
from paidonce.use_cases.make_endpoint import GENERATION_MARK, EndpointMaker
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.ring_receiver import RingReceiver
from paidonce.use_cases.rotation_ports import SecretVersions, WebhookEndpoint


@dataclass(frozen=True, kw_only=True)
class RotateSigning:
    """The port `Rotation` for the secret `signing`."""

    secret: SecretVersions
    maker: EndpointMaker
    ring: RingReceiver
    clock: Clock
    telemetry: Telemetry
    retire_after_seconds: float

    def __call__(self, step: Step, token: str, *, time_left: TimeLeft) -> None:
        """See `Rotation`."""
        labels = still_pending(self.secret, token)
        if labels is None:
            return
        if step is Step.CREATE:
            self._create(labels[CURRENT], token, time_left)
        elif step is Step.TEST:
            self._test(token, time_left)
        elif step is Step.FINISH:
            self._finish(labels[CURRENT], token, time_left)

    def _create(self, current_id: str, token: str, time_left: TimeLeft) -> None:
        """Endpoints first, the document second: a repeat is given the same endpoints by Stripe."""
        if self.secret.read(token) is not None:
            return
        try:
            current = read_signing(self.secret, current_id)
            _check_overlap(current)
            names = current.names or (DEFAULT_NAME,)
            found = self._without_orphans(current, token, time_left)
            made_before = [one for one in found if _generation(one) == token]
            self.maker.check_room(len(names) - len(made_before), len(found))
        except RotationRefused as error:
            raise call_off(self.secret, token, str(error)) from None
        document = self._with_successors(current, names, token, time_left)
        pending = document.made_from(current_id)
        self.secret.put(pending.written(), version_id=token, label=PENDING)

    def _with_successors(
        self, current: SigningDocument, names: Sequence[str], token: str, time_left: TimeLeft
    ) -> SigningDocument:
        document = current
        retire_after = self.clock.now() + self.retire_after_seconds
        for name in names:
            try:
                new = self.maker.make(name, token=token, time_left=time_left)
            except StripeRefused as error:
                sentence = f"Stripe refuses the endpoint of {name} ({error.stripe_code})"
                raise call_off(self.secret, token, sentence) from None
            document = document.succeeded(new, retire_after=retire_after)
        return document

    def _test(self, token: str, time_left: TimeLeft) -> None:
        """The receiver accepts the newest secret of each name. A placeholder is not judged."""
        pending = read_signing(self.secret, token)
        for name in pending.names:
            newest = pending.live(name)[0]
            self.ring(self.maker.url_of(name), newest, about=token, time_left=time_left)

    def _finish(self, current_id: str, token: str, time_left: TimeLeft) -> None:
        """Promote, if the document was made from what is current and Stripe has its endpoints."""
        pending = read_signing(self.secret, token)
        if pending.based_on != current_id:
            raise self._refused(
                pending, token, f"{self.secret.name} was edited during its rotation", time_left
            )
        found = {one.id: one for one in self.maker.endpoints.all(time_left=time_left)}
        newest = [pending.live(name)[0] for name in pending.names]
        if not newest or not all(self.maker.serves(one, found) for one in newest):
            raise self._refused(
                pending, token, "a new endpoint is gone from Stripe, or disabled there", time_left
            )
        try:
            self.secret.move(CURRENT, to=token, taken_from=current_id)
        except ChangedMeanwhile:
            raise self._refused(
                pending, token, f"{self.secret.name} was edited during its rotation", time_left
            ) from None
        take_off(self.secret, PENDING, token)
        self.telemetry.count("SigningRotated")

    def _refused(
        self, pending: SigningDocument, token: str, sentence: str, time_left: TimeLeft
    ) -> RotationRefused:
        """AWSPENDING comes off first, so that nobody believes its secrets; then its endpoints go.

        After a crash between the two the next rotation finds them by their metadata.
        """
        refusal = call_off(self.secret, token, f"{sentence}: start a new rotation")
        current = read_signing(self.secret, self.secret.labels()[CURRENT])
        for endpoint in self.maker.endpoints.all(time_left=time_left):
            is_new = self.maker.is_ours(endpoint) and _generation(endpoint) == token
            if is_new and endpoint.id in pending.ids - current.ids:
                self.maker.endpoints.delete(endpoint.id, time_left=time_left)
        return refusal

    def _without_orphans(
        self, current: SigningDocument, token: str, time_left: TimeLeft
    ) -> Sequence[WebhookEndpoint]:
        """Delete what an interrupted rotation of this stage left at Stripe; answers what stands.

        This rotation's own stay: Stripe gives them again for the same idempotency key.
        """
        kept = []
        for endpoint in self.maker.endpoints.all(time_left=time_left):
            is_left_over = (
                self.maker.is_ours(endpoint)
                and endpoint.id not in current.ids
                and _generation(endpoint) != token
            )
            if is_left_over:
                self.maker.endpoints.delete(endpoint.id, time_left=time_left)
                self.telemetry.count("OrphanEndpointsDeleted")
                self.telemetry.fact("webhook endpoint left over, deleted", endpoint_id=endpoint.id)
            else:
                kept.append(endpoint)
        return kept


def _generation(endpoint: WebhookEndpoint) -> str | None:
    return endpoint.metadata.get(GENERATION_MARK)


def _check_overlap(current: SigningDocument) -> None:
    for name in current.names:
        live = len(current.live(name))
        if live >= LIVE_OF_A_NAME_MAX:
            raise RotationRefused(
                f"{live} endpoints of {name} are live: the old ones are not retired, see"
                " retire_endpoints"
            )
