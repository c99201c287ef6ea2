"""Signing secrets and keys, over the fake, moto and the local cloud."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from paidonce.adapters.secrets import SecretVersion, StoredSigningSecrets, StripeKey, secret_name
from paidonce.domain.errors import NotConfigured, TryAgain
from paidonce.use_cases.stripe_ports import SigningSecret, SigningSecrets

from tests.adapters.places import Place
from tests.fakes import FakeClock
from tests.fakes_secrets import FakeSigningSecrets
from tests.fakes_telemetry import FakeTelemetry

PLACEHOLDER = '{"based_on": null, "endpoints": []}'
ONE, TWO, OTHER = ("wh" + f"sec_{name}" for name in ("one", "two", "other"))

Entries = Sequence[tuple[str, str]]


def document(entries: Entries) -> str:
    endpoints = [
        {"id": f"we_{n}", "name": name, "secret": secret, "created": 1, "retire_after": None}
        for n, (name, secret) in enumerate(entries)
    ]
    return json.dumps({"based_on": None, "endpoints": endpoints})


@dataclass
class Vault:
    """The port, and the way to change what it reads."""

    secrets: SigningSecrets
    stage: Callable[[Entries], None]
    clock: FakeClock


Open = Callable[[Entries], Vault]


def stored(place: Place, entries: Entries, *, cache_seconds: int = 300) -> Vault:
    client, clock = place.client("secretsmanager"), FakeClock()
    arn = place.secret(document(entries))

    def stage(pending: Entries) -> None:
        client.put_secret_value(
            SecretId=arn, SecretString=document(pending), VersionStages=["AWSPENDING"]
        )

    return Vault(
        StoredSigningSecrets(
            client, arn=arn, cache_seconds=cache_seconds, refresh_seconds=60, clock=clock
        ),
        stage,
        clock,
    )


@pytest.fixture
def vault(place: Place | None) -> Open:
    """A vault with these entries under AWSCURRENT."""
    if place is not None:
        return lambda entries: stored(place, entries)

    def faked(entries: Entries) -> Vault:
        fake = FakeSigningSecrets([SigningSecret(name=n, secret=s) for n, s in entries])

        def stage(pending: Entries) -> None:
            fake.pending = [SigningSecret(name=n, secret=s) for n, s in pending]

        return Vault(fake, stage, FakeClock())

    return faked


def test_only_the_entries_of_a_name_are_its_secrets(vault: Open) -> None:
    """The right body with another endpoint's secret is forged."""
    secrets = vault([("default", TWO), ("connect", OTHER), ("default", ONE)]).secrets
    assert list(secrets.current("default")) == [TWO, ONE]
    assert list(secrets.current("connect")) == [OTHER]
    assert list(secrets.current("nobody")) == []


def test_a_refresh_finds_what_is_pending(vault: Open) -> None:
    opened = vault([("default", ONE)])
    opened.stage([("default", TWO), ("default", ONE), ("connect", OTHER)])
    assert list(opened.secrets.current("default")) == [ONE]
    assert list(opened.secrets.refreshed("default") or ()) == [ONE, TWO]


def test_what_a_refresh_found_pending_counts_from_then_on(vault: Open) -> None:
    """A rotation's test sends three in a row; the second and third come before the next refresh."""
    opened = vault([("default", ONE)])
    opened.stage([("default", TWO)])
    opened.secrets.refreshed("default")
    assert TWO in opened.secrets.current("default")


def test_a_refresh_is_not_due_again_at_once(vault: Open) -> None:
    secrets = vault([("default", ONE)]).secrets
    assert secrets.refreshed("default") is not None
    assert secrets.refreshed("default") is None
    assert secrets.refreshed("connect") is None


def test_an_unknown_name_has_no_secret_even_after_a_refresh(vault: Open) -> None:
    assert list(vault([("default", ONE)]).secrets.refreshed("nobody") or ()) == []


def test_without_any_endpoint_nothing_is_configured(vault: Open) -> None:
    """Each time, also while no refresh is due: Stripe delivers again after a 503."""
    secrets = vault([]).secrets
    assert list(secrets.current("default")) == []
    for _ in range(2):
        with pytest.raises(NotConfigured):
            secrets.refreshed("default")


def test_a_pending_endpoint_is_enough_to_be_configured(vault: Open) -> None:
    opened = vault([])
    opened.stage([("default", TWO)])
    assert list(opened.secrets.refreshed("default") or ()) == [TWO]


# --- Secrets Manager's own ------------------------------------------------------------------------


@dataclass
class Calls:
    """A client that counts what is read of it."""

    client: Any
    stages: list[str]

    @classmethod
    def of(cls, place: Place) -> "Calls":
        """Over a client of its own, so that nobody else's handlers count."""
        made = place.connect("secretsmanager")
        calls = cls(made, [])
        made.meta.events.register(
            "before-parameter-build.secretsmanager.GetSecretValue",
            lambda params, **_: calls.stages.append(params["VersionStage"]),
        )
        return calls

    def secrets(self, arn: str, clock: FakeClock, cache_seconds: int = 300) -> StoredSigningSecrets:
        """The adapter over it."""
        return StoredSigningSecrets(
            self.client, arn=arn, cache_seconds=cache_seconds, refresh_seconds=60, clock=clock
        )


def test_nothing_is_read_before_it_is_asked_for(moto: Place) -> None:
    calls = Calls.of(moto)
    calls.secrets("arn:nothing-there", FakeClock())
    StripeKey(calls.client, arn="arn:none", cache_seconds=300, telemetry=FakeTelemetry())
    assert calls.stages == []


def test_the_current_version_is_cached(moto: Place) -> None:
    calls = Calls.of(moto)
    secrets = calls.secrets(moto.secret(document([("default", ONE)])), FakeClock())
    for _ in range(5):
        secrets.current("default")
    assert calls.stages == ["AWSCURRENT"]


def test_an_expired_cache_is_read_anew(moto: Place) -> None:
    calls = Calls.of(moto)
    arn = moto.secret(document([("default", ONE)]))
    secrets = calls.secrets(arn, FakeClock(), cache_seconds=0)
    assert list(secrets.current("default")) == [ONE]
    calls.client.put_secret_value(SecretId=arn, SecretString=document([("default", TWO)]))
    assert list(secrets.current("default")) == [TWO]


def test_forged_traffic_makes_one_refresh_a_minute(moto: Place) -> None:
    calls, clock = Calls.of(moto), FakeClock()
    secrets = calls.secrets(moto.secret(document([("default", ONE)])), clock)
    for _ in range(120):
        secrets.current("default")
        secrets.refreshed("default")
        clock.advance(1)
    refreshes = [stage for stage in calls.stages if stage == "AWSPENDING"]
    assert len(refreshes) == 2
    assert len(calls.stages) <= 5


def test_a_failed_refresh_counts_too() -> None:
    client, stub = stubbed()
    secrets = StoredSigningSecrets(
        client, arn="arn:x", cache_seconds=300, refresh_seconds=60, clock=FakeClock()
    )
    stub.add_client_error("get_secret_value", "InternalServiceError", http_status_code=500)
    stub.add_response("get_secret_value", {"SecretString": document([("default", ONE)])})
    with stub:
        with pytest.raises(TryAgain):
            secrets.refreshed("default")
        assert secrets.refreshed("default") is None


def test_what_was_pending_is_forgotten_when_the_cache_is_old(moto: Place) -> None:
    """A rotation that failed takes its secret away again."""
    opened = stored(moto, [("default", ONE)], cache_seconds=300)
    opened.stage([("default", TWO)])
    opened.secrets.refreshed("default")
    opened.clock.advance(301)
    assert list(opened.secrets.current("default")) == [ONE]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "not json",
        "[]",
        '{"endpoints": "x"}',
        '{"endpoints": [null, {"name": "default"}, {"name": "default", "secret": 7}]}',
        '{"endpoints": [{"name": "default", "secret": ""}]}',
        '{"endpoints": [{"name": "default", "secret": "  "}]}',
    ],
)
def test_a_damaged_document_lets_nobody_in(moto: Place, value: str) -> None:
    """An empty secret above all: anybody could sign with it."""
    client = moto.client("secretsmanager")
    arn = moto.secret("x")
    client.put_secret_value(SecretId=arn, SecretString=value or " ")
    secrets = StoredSigningSecrets(
        client, arn=arn, cache_seconds=300, refresh_seconds=60, clock=FakeClock()
    )
    assert list(secrets.current("default")) == []
    with pytest.raises(NotConfigured):
        secrets.refreshed("default")


def test_a_pasted_line_break_is_not_part_of_a_secret(moto: Place) -> None:
    assert list(stored(moto, [("default", f"{ONE}\n")]).secrets.current("default")) == [ONE]


def stubbed() -> tuple[Any, Stubber]:
    client = boto3.client(
        "secretsmanager", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return client, Stubber(client)


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceError"])
def test_secrets_manager_out_of_reach_is_try_again(code: str) -> None:
    client, stub = stubbed()
    stub.add_client_error("get_secret_value", code, http_status_code=400)
    secrets = StoredSigningSecrets(
        client, arn="arn:x", cache_seconds=300, refresh_seconds=60, clock=FakeClock()
    )
    with stub, pytest.raises(TryAgain):
        secrets.current("default")


def test_what_secrets_manager_refuses_passes_through() -> None:
    client, stub = stubbed()
    stub.add_client_error("get_secret_value", "AccessDeniedException")
    secrets = StoredSigningSecrets(
        client, arn="arn:x", cache_seconds=300, refresh_seconds=60, clock=FakeClock()
    )
    with stub, pytest.raises(ClientError):
        secrets.current("default")


# --- Stripe's keys --------------------------------------------------------------------------------


def a_key(place: Place, value: str, telemetry: FakeTelemetry | None = None) -> StripeKey:
    return StripeKey(
        place.client("secretsmanager"),
        arn=place.secret(value),
        cache_seconds=300,
        telemetry=telemetry or FakeTelemetry(),
    )


def test_a_key_is_cached_until_it_is_asked_for_anew(moto: Place) -> None:
    client = moto.client("secretsmanager")
    arn = moto.secret('{"key": "first", "created": null}')
    key = StripeKey(client, arn=arn, cache_seconds=300, telemetry=FakeTelemetry())
    assert key.current().key == "first"
    client.put_secret_value(SecretId=arn, SecretString='{"key": "second\\n", "created": 1}')
    assert key.current().key == "first"
    assert key.current(anew=True).key == "second"
    assert key.current().key == "second"


def test_a_key_comes_with_the_id_of_its_version_and_the_one_before_it(moto: Place) -> None:
    client = moto.client("secretsmanager")
    arn = moto.secret('{"key": "first", "created": null}')
    key = StripeKey(client, arn=arn, cache_seconds=300, telemetry=FakeTelemetry())
    assert key.previous() is None
    made = client.put_secret_value(SecretId=arn, SecretString='{"key": "second", "created": 1}')
    current, before = key.current(), key.previous()
    assert (current.key, current.version_id) == ("second", made["VersionId"])
    assert before is not None
    assert before.key == "first"
    assert before.version_id not in ("", current.version_id)
    assert "second" not in repr(current)


def test_each_version_stage_has_a_provider_of_its_own(moto: Place) -> None:
    """Powertools caches by the secret's name alone: one provider would give one value twice."""
    client = moto.client("secretsmanager")
    arn = moto.secret('{"key": "now"}')
    client.put_secret_value(
        SecretId=arn, SecretString='{"key": "next"}', VersionStages=["AWSPENDING"]
    )
    current, pending = (
        SecretVersion(client, arn=arn, version_stage=stage, cache_seconds=300)
        for stage in ("AWSCURRENT", "AWSPENDING")
    )
    for _ in range(2):
        assert (current.read(), pending.read()) == ({"key": "now"}, {"key": "next"})


@pytest.mark.parametrize("value", ['{"key": "", "created": null}', "{}", "x", '{"key": null}'])
def test_a_placeholder_is_not_configured_and_its_secret_is_named_once(
    moto: Place, value: str
) -> None:
    telemetry = FakeTelemetry()
    key = a_key(moto, value, telemetry)
    for _ in range(3):
        with pytest.raises(NotConfigured):
            key.current()
    ((_, ids),) = telemetry.facts
    assert str(ids["secret"]).startswith("paidonce/contract/")


def test_the_name_of_a_secret_is_read_from_its_arn() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:paidonce/dev/stripe/keys/reader-a1"
    assert secret_name(arn) == "paidonce/dev/stripe/keys/reader"
    assert secret_name("paidonce/dev/stripe/keys/reader") == "paidonce/dev/stripe/keys/reader"
