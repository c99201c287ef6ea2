"""End webhook endpoints whose time is over: sweep, disable, delete, and only then forget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.moment import seconds
from paidonce.domain.signing_document import Retirement, SigningDocument
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.edit_signing import EditSigning, RotationRunning
from paidonce.use_cases.make_endpoint import EndpointMaker
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.rotation_ports import WebhookEndpoint
from paidonce.use_cases.sweep_ports import Sweeps

# The name of the sweep that a retirement asks `reconcile` for.
RETIREMENT = "retirement"
# Stripe lists events of the last 30 days: https://docs.stripe.com/api/events
_LISTED_SECONDS = 30 * 86_400
# A new endpoint is sent to a little after it was made; events of that minute are looked at too.
_MARGIN_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class RetireEndpoints:
    """Asks `reconcile` for a sweep first: what only the old endpoint was sent must not be lost.

    `retire_after_seconds` is the stage's overlap. A newest secret older than
    `overdue_after_seconds`, and an endpoint that is due for longer than `late_after_seconds`, are
    told as overdue.
    """

    edit: EditSigning
    maker: EndpointMaker
    sweeps: Sweeps
    clock: Clock
    telemetry: Telemetry
    retire_after_seconds: float
    overdue_after_seconds: float
    late_after_seconds: float

    def __call__(self, *, time_left: TimeLeft) -> Sequence[str]:
        """The ids of the endpoints that were retired in this run.

        Nothing happens while a rotation runs, and nothing is deleted whose successor Stripe does
        not deliver to. Raises RotationRefused (the document cannot be read), TryAgain and what
        Stripe's calls raise; repeatable after a crash at any line.
        """
        try:
            _, document = self.edit.reading()
        except RotationRunning:
            self.telemetry.count("RetirementPostponed")
            return ()
        self._tell_overdue(document)
        due = self._that_can_go(document, document.due(now=self.clock.now()), time_left)
        if not due or not self._is_swept(due):
            return ()
        retired = [one.endpoint.id for one in due]
        for endpoint_id in retired:
            self.maker.endpoints.disable(endpoint_id, time_left=time_left)
            self.maker.endpoints.delete(endpoint_id, time_left=time_left)
            self.telemetry.fact("webhook endpoint retired", endpoint_id=endpoint_id)
        self.edit(lambda now: now.without(*retired))
        self.telemetry.count("EndpointsRetired", len(retired))
        return retired

    def _that_can_go(
        self, document: SigningDocument, due: Sequence[Retirement], time_left: TimeLeft
    ) -> Sequence[Retirement]:
        """Those of a name whose newest endpoint is there and enabled; the others are an alarm."""
        if not due:
            return ()
        found = {one.id: one for one in self.maker.endpoints.all(time_left=time_left)}
        return [one for one in due if self._is_succeeded(document, one, found)]

    def _is_succeeded(
        self,
        document: SigningDocument,
        retirement: Retirement,
        found: Mapping[str, WebhookEndpoint],
    ) -> bool:
        newest = document.newest(retirement.endpoint.name)
        if newest is not None and self.maker.serves(newest, found):
            return True
        self.telemetry.alarm("SuccessorMissing")
        return False

    def _is_swept(self, due: Sequence[Retirement]) -> bool:
        """Was the time looked through in which only these were sent to? Asks for it if not."""
        oldest_listed = int(self.clock.now()) - _LISTED_SECONDS
        margin = min(_MARGIN_SECONDS, self.retire_after_seconds)
        window_from = max(min(int(seconds(one.endpoint.created)) for one in due), oldest_listed)
        window_to = max(int(seconds(one.successor.created) + margin) for one in due)
        standing = self.sweeps.standing()
        if standing is not None and standing.covers(window_from, window_to):
            return True
        if standing is None or standing.is_complete:
            self._ask(Sweep(window_from=window_from, window_to=window_to, types=""), standing)
        return False

    def _ask(self, wanted: Sweep, standing: Sweep | None) -> None:
        try:
            self.sweeps.save(wanted, over=standing)
        except ChangedMeanwhile:
            # Another run asked first; the next one sees what for.
            return
        self.telemetry.fact(
            "sweep asked for", window_from=wanted.window_from, window_to=wanted.window_to
        )

    def _tell_overdue(self, document: SigningDocument) -> None:
        now = self.clock.now()
        newest = [document.live(name)[0] for name in document.names]
        is_old: Callable[[str, float], bool] = lambda at, after: now - seconds(at) > after  # noqa: E731 - two words for one comparison
        overdue = sum(is_old(one.created, self.overdue_after_seconds) for one in newest) + sum(
            is_old(one.retire_after, self.late_after_seconds)
            for one in document.endpoints
            if one.retire_after is not None
        )
        if overdue:
            self.telemetry.count("RotationOverdue", overdue)
