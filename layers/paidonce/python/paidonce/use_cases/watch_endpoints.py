"""Notice a webhook endpoint of ours that Stripe does not deliver to any more."""

from dataclasses import dataclass

from paidonce.domain.ownership import STAGE_MARK
from paidonce.use_cases.ports import Telemetry, TimeLeft
from paidonce.use_cases.rotation_ports import WebhookEndpoints


@dataclass(frozen=True, kw_only=True)
class WatchEndpoints:
    """Stripe disables an endpoint that fails for days, and tells its owner by mail alone."""

    endpoints: WebhookEndpoints
    telemetry: Telemetry
    stage: str

    def __call__(self, *, time_left: TimeLeft) -> int:
        """How many of ours are disabled. Raises TryAgain, KeyRefused, NotConfigured."""
        found = self.endpoints.all(time_left=time_left)
        ours = [one for one in found if one.metadata.get(STAGE_MARK) == self.stage]
        disabled = [one for one in ours if not one.is_enabled]
        for one in disabled:
            self.telemetry.fact("webhook endpoint disabled", endpoint_id=one.id)
        if disabled:
            self.telemetry.count("EndpointsDisabled", len(disabled))
        return len(disabled)
