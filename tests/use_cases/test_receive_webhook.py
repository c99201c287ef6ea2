"""The receiver's decisions, with its ports faked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.errors import InvalidRequest, NotConfigured, SignatureInvalid, TryAgain
from paidonce.use_cases.ports import Letter, LetterRefused
from paidonce.use_cases.receive_webhook import ReceiveWebhook, Webhook
from paidonce.use_cases.stripe_ports import SigningSecret

from tests.examples import a_payload, an_intent
from tests.fakes import FakeClock, FakeLetterbox
from tests.fakes_secrets import FakeSigningSecrets
from tests.fakes_telemetry import FakeTelemetry

OLD, NEW = "whsec" + "_old", "whsec" + "_new"
BY_ID = {"kind": "event", "schema": 1, "id": "evt_1"}
OLD_PAYLOADS = sorted((Path(__file__).parent.parent / "events" / "stripe-old").glob("*.json"))


def default(secret: str) -> SigningSecret:
    return SigningSecret(name="default", secret=secret)


@dataclass
class World:
    """A receiver and all that it talks to."""

    secrets: FakeSigningSecrets = field(default_factory=lambda: FakeSigningSecrets([default(OLD)]))
    letterbox: FakeLetterbox = field(default_factory=FakeLetterbox)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    @property
    def receive(self) -> ReceiveWebhook:
        return ReceiveWebhook(
            secrets=self.secrets,
            letterbox=self.letterbox,
            clock=self.clock,
            telemetry=self.telemetry,
            age_max_seconds=300,
            ahead_max_seconds=60,
        )

    def webhook(self, body: bytes, *signers: str, endpoint: str = "default") -> Webhook:
        """A body signed now with each of these secrets (by default the old one)."""
        at = int(self.clock.now())
        made = [
            stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
            for secret in signers or [OLD]
        ]
        signature = ",".join([made[0], *(one.split(",")[1] for one in made[1:])])
        return Webhook(endpoint=endpoint, signature=signature, body=body, request_id="req-1")

    def sent(self) -> Letter:
        [letter] = self.letterbox.letters
        return letter


def payload(**changes: Any) -> bytes:
    return json.dumps(a_payload() | changes, indent=2).encode()


def long_payload(size: int) -> bytes:
    """A genuine-looking event of exactly that many bytes."""
    return payload()[:-1] + b" " * (size - len(payload())) + b"}"


def test_a_signed_event_is_queued_byte_for_byte_with_its_attributes() -> None:
    world = World()
    body = payload(account="acct_1") + b"\r\n\t"
    event = world.receive(world.webhook(body))
    assert event.id == "evt_1"
    assert world.sent().body.encode() == body
    assert world.sent().attributes == {
        "event_id": "evt_1",
        "event_type": "payment_intent.succeeded",
        "livemode": "false",
        "account": "acct_1",
        "api_version": "2026-10-28.endive",
        "correlation_id": "evt_1",
        "received_at": "2027-01-15T08:00:00.000Z",
    }


def test_what_an_event_does_not_name_is_no_attribute() -> None:
    """SQS refuses empty attribute values."""
    world = World()
    world.receive(world.webhook(payload(api_version=None)))
    assert {"account", "api_version"}.isdisjoint(world.sent().attributes)


def test_an_accepted_event_is_told_in_one_line_of_ids() -> None:
    world = World()
    world.receive(world.webhook(payload()))
    [(message, ids)] = world.telemetry.facts
    assert message == "webhook accepted"
    assert ids == {
        "event_id": "evt_1",
        "event_type": "payment_intent.succeeded",
        "aggregate_id": "pay_1",
        "correlation_id": "evt_1",
        "gateway_request_id": "req-1",
        "endpoint": "default",
        "size_bytes": len(payload()),
        "sent": "whole",
    }
    assert world.telemetry.counts == {"WebhookAccepted": 1, "WebhookWhole": 1}


@pytest.mark.parametrize(
    ("marked", "correlation_id"),
    [
        ("checkout-7", "checkout-7"),
        ("1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272793"),
        # Whoever may write at Stripe may write anything.
        ("two words", "evt_1"),
        ("4242424242424242", "evt_1"),
        ("", "evt_1"),
        (7, "evt_1"),
    ],
)
def test_an_event_is_correlated_with_the_request_that_made_its_object(
    marked: object, correlation_id: str
) -> None:
    world = World()
    intent = an_intent()
    intent["metadata"] |= {"paidonce_correlation": marked}
    world.receive(world.webhook(payload(data={"object": intent})))
    assert world.sent().attributes["correlation_id"] == correlation_id
    [(_, ids)] = world.telemetry.facts
    assert ids["correlation_id"] == correlation_id


# --- large, or not for SQS ------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "whole"), [(900_000, True), (900_001, False), (4_000_000, False)])
def test_above_900_000_bytes_the_id_alone_is_queued(*, size: int, whole: bool) -> None:
    world = World()
    world.receive(world.webhook(long_payload(size)))
    letter = world.sent()
    if whole:
        assert len(letter.body) == size
    else:
        assert json.loads(letter.body) == BY_ID
    assert letter.attributes["event_id"] == "evt_1"
    assert world.telemetry.counts["WebhookById"] == (0 if whole else 1)


def test_what_the_queue_refuses_is_queued_as_its_id() -> None:
    world = World()
    world.letterbox.faults.plan("put", LetterRefused("characters"))
    world.receive(world.webhook(payload()))
    assert json.loads(world.sent().body) == BY_ID
    assert world.telemetry.counts["WebhookById"] == 1


def test_a_refused_reference_is_never_an_acceptance() -> None:
    world = World()
    world.letterbox.faults.plan("put", LetterRefused("whole"), LetterRefused("by id"))
    with pytest.raises(LetterRefused):
        world.receive(world.webhook(payload()))
    assert world.telemetry.counts["WebhookAccepted"] == 0


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_characters_that_sqs_refuses_are_not_even_tried(character: str) -> None:
    world = World()
    text = payload(description="name").decode().replace("name", character)
    world.receive(world.webhook(text.encode()))
    assert world.letterbox.faults.calls == ["put"]
    assert json.loads(world.sent().body) == BY_ID


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ufffe\uffff\x7f\t")))
def test_whatever_is_queued_whole_holds_only_characters_that_sqs_takes(text: str) -> None:
    """The raw text inside a JSON string: SQS's list of ranges is the oracle."""
    world = World()
    body = payload(description="name").decode().replace("name", text).encode()
    try:
        world.receive(world.webhook(body))
    except InvalidRequest:
        return  # not JSON any more
    sent = world.sent().body
    if not sent.startswith('{"kind"'):
        assert sent.encode() == body
        assert all(
            c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
            for c in sent
        )


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"signature": None},
        {"signature": ""},
        {"signature": "t=1,v1=00"},
        {"body": b"another"},
        {"endpoint": "connect"},
        {"endpoint": "unheard-of"},
    ],
)
def test_nothing_is_queued_without_a_fitting_signature(change: Mapping[str, Any]) -> None:
    world = World(
        secrets=FakeSigningSecrets([default(OLD), SigningSecret(name="connect", secret=NEW)])
    )
    with pytest.raises(SignatureInvalid):
        world.receive(replace(world.webhook(payload()), **change))
    assert world.letterbox.faults.calls == []


def test_an_endpoint_takes_only_what_its_own_secret_signed() -> None:
    secrets = FakeSigningSecrets([default(OLD), SigningSecret(name="connect", secret=NEW)])
    world = World(secrets=secrets)
    world.receive(world.webhook(payload(), NEW, endpoint="connect"))
    with pytest.raises(SignatureInvalid):
        world.receive(world.webhook(payload(), NEW, endpoint="default"))
    assert len(world.letterbox.letters) == 1


SIGNED_BUT_NO_EVENT = {
    "empty": b"",
    "blank": b"  ",
    "not JSON": b"evt_1",
    "cut": payload()[:-2],
    "a list": b"[]",
    "a string": b'"evt_1"',
    "null": b"null",
    "without id": b'{"type": "a.b", "created": 1}',
    "without type": b'{"id": "evt_1", "created": 1}',
    "without created": b'{"id": "evt_1", "type": "a.b"}',
    "an id with a line break": json.dumps({"id": "evt\n1", "type": "a", "created": 1}).encode(),
    "an empty id": b'{"id": "", "type": "a.b", "created": 1}',
    "an id of 256": json.dumps({"id": "e" * 256, "type": "a.b", "created": 1}).encode(),
    "deeply nested": b"[" * 100_000 + b"]" * 100_000,
    "deeply nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 5,000 digits": b'{"created": ' + b"9" * 5000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf" + payload(),
}


@pytest.mark.parametrize("body", SIGNED_BUT_NO_EVENT.values(), ids=SIGNED_BUT_NO_EVENT.keys())
def test_a_signed_body_that_is_no_event_is_an_invalid_request(body: bytes) -> None:
    world = World()
    with pytest.raises(InvalidRequest):
        world.receive(world.webhook(body))
    assert world.letterbox.faults.calls == []


@pytest.mark.parametrize("body", SIGNED_BUT_NO_EVENT.values(), ids=SIGNED_BUT_NO_EVENT.keys())
def test_nothing_is_parsed_before_it_is_verified(body: bytes) -> None:
    world = World()
    with pytest.raises(SignatureInvalid):
        world.receive(world.webhook(body, NEW))


# --- secrets that move ----------------------------------------------------------------------------


def test_during_a_roll_both_secrets_sign_and_one_fits() -> None:
    world = World()
    world.receive(world.webhook(payload(), NEW, OLD))
    assert len(world.letterbox.letters) == 1
    assert world.secrets.faults.calls == ["current"]


def test_a_secret_newer_than_our_copy_costs_one_refresh() -> None:
    world = World(secrets=FakeSigningSecrets([default(NEW)], cached=[default(OLD)]))
    world.receive(world.webhook(payload(), NEW))
    assert world.secrets.faults.calls == ["current", "refreshed"]
    assert world.telemetry.counts["SigningSecretsRefreshed"] == 1


def test_a_secret_that_is_only_pending_is_taken() -> None:
    world = World(secrets=FakeSigningSecrets([default(OLD)], pending=[default(NEW)]))
    world.receive(world.webhook(payload(), NEW))
    world.receive(world.webhook(payload(), OLD))
    assert len(world.letterbox.letters) == 2


def test_the_first_rotation_of_a_new_stage_has_its_only_secret_pending() -> None:
    world = World(secrets=FakeSigningSecrets([], pending=[default(NEW)]))
    world.receive(world.webhook(payload(), NEW))
    assert len(world.letterbox.letters) == 1


def test_after_a_refresh_the_secret_that_is_gone_signs_nothing_more() -> None:
    world = World(secrets=FakeSigningSecrets([default(NEW)], cached=[default(OLD)]))
    world.receive(world.webhook(payload(), NEW))
    with pytest.raises(SignatureInvalid):
        world.receive(world.webhook(payload(), OLD))


def test_a_flood_of_forgeries_asks_for_fresh_secrets_once() -> None:
    """The fake, like the adapter, says how often it is due; only a miss asks it."""
    world = World()
    for _ in range(50):
        with pytest.raises(SignatureInvalid):
            world.receive(world.webhook(payload(), NEW))
    assert world.telemetry.counts["SigningSecretsRefreshed"] == 1
    world.receive(world.webhook(payload()))


@pytest.mark.parametrize("signature", [None, "garbage", "t=1,v1=00", f"t={10**12},v1=00"])
def test_what_no_secret_could_mend_does_not_ask_for_fresh_ones(signature: str | None) -> None:
    world = World()
    with pytest.raises(SignatureInvalid):
        world.receive(replace(world.webhook(payload()), signature=signature))
    assert world.secrets.faults.calls == ["current"]


def test_a_stage_without_any_signing_secret_says_so_each_time() -> None:
    world = World(secrets=FakeSigningSecrets([]))
    for _ in range(3):
        with pytest.raises(NotConfigured):
            world.receive(world.webhook(payload()))
    assert world.letterbox.faults.calls == []


# --- when something is away -----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["current", "refreshed"])
def test_secrets_that_do_not_answer_are_a_try_again(call: str) -> None:
    world = World(secrets=FakeSigningSecrets([default(NEW)], cached=[default(OLD)]))
    world.secrets.faults.plan(call, TryAgain("throttled"))
    with pytest.raises(TryAgain):
        world.receive(world.webhook(payload(), NEW))
    world.receive(world.webhook(payload(), NEW))
    assert len(world.letterbox.letters) == 1


def test_a_queue_that_does_not_accept_is_a_try_again_and_the_redelivery_goes_in() -> None:
    world = World()
    world.letterbox.faults.plan("put", TryAgain("away"))
    with pytest.raises(TryAgain):
        world.receive(world.webhook(payload()))
    assert world.telemetry.counts["WebhookAccepted"] == 0
    world.clock.advance(3600)
    world.receive(world.webhook(payload()))
    assert len(world.letterbox.letters) == 1


# --- Stripe's own payloads ------------------------------------------------------------------------


@pytest.mark.parametrize("path", OLD_PAYLOADS, ids=lambda path: path.stem)
def test_payloads_of_old_api_versions_are_queued_as_they_are(path: Path) -> None:
    world = World()
    world.receive(world.webhook(path.read_bytes()))
    assert world.sent().body.encode() == path.read_bytes()
    assert world.sent().attributes["event_type"] == json.loads(path.read_bytes())["type"]


def test_there_are_88_of_them() -> None:
    assert len(OLD_PAYLOADS) == 88
