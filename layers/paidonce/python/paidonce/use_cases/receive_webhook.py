"""Take a webhook in: is it Stripe, then queue it, and only then say yes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.correlation import correlation_of
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.moment import iso
from paidonce.domain.ownership import row_named_by
from paidonce.domain.signature import NoSecretFits, verify
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import Clock, Letter, Letterbox, LetterRefused, Telemetry
from paidonce.use_cases.stripe_ports import SigningSecrets

# What Lambda hands over is 6 MB at most, and base64 makes 4.5 MB of that.
BODY_MAX_BYTES = 4_000_000
# SQS takes 1 MiB with the attributes; ours are below 3 KB, and a rewritten copy may add some.
QUEUED_MAX_BYTES = 900_000
# Stripe's own tolerance is five minutes; what was recorded an hour ago must never pass.
TOLERANCE_LIMIT_SECONDS = 3600
# Of all that SQS refuses, valid JSON can hold only these two outside an escape:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
UNSENDABLE = ("\ufffe", "\uffff")


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A request as it came, believed in nothing. `endpoint` is the route's name.

    `request_id` is the gateway's, by which its access log knows the request.
    """

    endpoint: str
    signature: str | None
    body: bytes
    request_id: str


@dataclass(frozen=True, kw_only=True)
class ReceiveWebhook:
    """The receiver. A signature may be so many seconds old, and so many ahead of our clock."""

    secrets: SigningSecrets
    letterbox: Letterbox
    clock: Clock
    telemetry: Telemetry
    age_max_seconds: float
    ahead_max_seconds: float

    def __post_init__(self) -> None:
        """No setting makes the check of a signature's age worthless."""
        for seconds in (self.age_max_seconds, self.ahead_max_seconds):
            if not 0 < seconds <= TOLERANCE_LIMIT_SECONDS:
                raise ValueError(f"a tolerance of {seconds} seconds is not within an hour")

    def __call__(self, webhook: Webhook) -> StripeEvent:
        """Return only when the queue has the event.

        Raises SignatureInvalid, NotConfigured (no secret anywhere), InvalidRequest (signed, but not
        an event), TryAgain (secrets or queue do not answer: Stripe shall deliver it again).
        """
        self._verify(webhook)
        # Only now: whatever is parsed below was written by Stripe.
        text = _text(webhook.body)
        event = StripeEvent.parse(text)
        correlation_id = correlation_of(event.id, event.object)
        sent_by_id = self._queue(webhook, event, text, correlation_id)
        self.telemetry.count("WebhookById" if sent_by_id else "WebhookWhole")
        self.telemetry.count("WebhookAccepted")
        self.telemetry.fact(
            "webhook accepted",
            event_id=event.id,
            event_type=event.type,
            # The row that it names by itself, so that a search for a payment finds this line too.
            aggregate_id=row_named_by(event.object),
            correlation_id=correlation_id,
            gateway_request_id=webhook.request_id,
            endpoint=webhook.endpoint,
            size_bytes=len(webhook.body),
            sent="by id" if sent_by_id else "whole",
        )
        return event

    def _verify(self, webhook: Webhook) -> None:
        try:
            self._verify_with(self.secrets.current(webhook.endpoint), webhook)
        except NoSecretFits:
            # Perhaps it was signed with a secret that is newer than our copy.
            fresh = self.secrets.refreshed(webhook.endpoint)
            if fresh is None:
                raise
            self.telemetry.count("SigningSecretsRefreshed")
            self._verify_with(fresh, webhook)

    def _verify_with(self, secrets: Sequence[str], webhook: Webhook) -> None:
        verify(
            webhook.signature,
            webhook.body,
            secrets=secrets,
            now=self.clock.now(),
            age_max_seconds=self.age_max_seconds,
            ahead_max_seconds=self.ahead_max_seconds,
        )

    def _queue(self, webhook: Webhook, event: StripeEvent, text: str, correlation_id: str) -> bool:
        """Put the payload into the queue, or the id alone where it cannot go whole: did it?"""
        attributes = self._attributes(event, correlation_id)
        if len(webhook.body) <= QUEUED_MAX_BYTES and not any(c in text for c in UNSENDABLE):
            try:
                self.letterbox.put(Letter(body=text, attributes=attributes))
            except LetterRefused:
                self.telemetry.count("WebhookRefusedByQueue")
            else:
                return False
        reference = json.dumps({"kind": "event", "schema": 1, "id": event.id})
        self.letterbox.put(Letter(body=reference, attributes=attributes))
        return True

    def _attributes(self, event: StripeEvent, correlation_id: str) -> dict[str, str]:
        attributes = {
            "event_id": event.id,
            "event_type": event.type,
            "livemode": "true" if event.livemode else "false",
            "correlation_id": correlation_id,
            "received_at": iso(self.clock.now()),
        }
        if event.account:
            attributes["account"] = event.account
        if event.api_version:
            attributes["api_version"] = event.api_version
        return attributes


def _text(body: bytes) -> str:
    """The payload as text; StripeEvent.parse alone would take UTF-16 and UTF-32 for JSON too."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        # Not chained: the error holds the payload.
        raise InvalidRequest("the body is not UTF-8") from None
