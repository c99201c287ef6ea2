"""Ask the receiver, as Stripe would: does it accept what this secret signs?"""

import json
from dataclasses import dataclass

from paidonce.domain.errors import TryAgain
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import Stage
from paidonce.domain.signature import signed_header
from paidonce.domain.signing_document import LiveEndpoint
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.rotation_ports import PublicDoor

# Events that we made ourselves: no rule decides about them, so the ledger notes them as ignored.
SELFTEST = "evt_selftest_"
SELFTEST_TYPE = "paidonce.selftest"
# One container may know the secret and the next one not yet.
_IN_A_ROW = 3
# A receiver that was asked for fresh secrets lately does not ask again before its refresh is due.
_PAUSE_SECONDS = 1.0
# Less time than this is needed by the next step of whoever rings.
_TRY_SECONDS_MIN = 5.0
_ACCEPTED = 200


@dataclass(frozen=True, kw_only=True)
class RingReceiver:
    """Signed events through the public URL, queued like any other."""

    door: PublicDoor
    clock: Clock
    telemetry: Telemetry
    stage: Stage

    def __call__(
        self, url: str, endpoint: LiveEndpoint, *, about: str, time_left: TimeLeft
    ) -> None:
        """Return once three events in a row were accepted; `about` makes their ids.

        Raises TryAgain when that does not come while time lasts.
        """
        prefix = SELFTEST + fingerprint(about, endpoint.name)[:24]
        in_a_row = sent = 0
        while in_a_row < _IN_A_ROW:
            if time_left() < _TRY_SECONDS_MIN:
                raise TryAgain(f"the receiver did not accept what {endpoint.id} signs")
            sent += 1
            status = self._send(url, endpoint, f"{prefix}_{sent}")
            if status == _ACCEPTED:
                in_a_row += 1
            else:
                in_a_row = 0
                self.clock.pause(_PAUSE_SECONDS)
        self.telemetry.fact("receiver accepts a secret", endpoint_id=endpoint.id, sent=sent)

    def _send(self, url: str, endpoint: LiveEndpoint, event_id: str) -> int | None:
        at = int(self.clock.now())
        event = {
            "id": event_id,
            "object": "event",
            "type": SELFTEST_TYPE,
            "created": at,
            "livemode": self.stage.livemode,
            "data": {"object": {}},
        }
        body = json.dumps(event).encode()
        return self.door.deliver(
            url, body, signature=signed_header(body, secret=endpoint.secret, at=at)
        )
