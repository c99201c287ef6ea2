"""What Secrets Manager holds for us: signing secrets and restricted keys, read when first needed.

Powertools caches by name alone, whatever version stage was asked for, so each stage has a provider
of its own. Values never enter an error's text or a log line.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
from botocore.exceptions import ClientError

from paidonce.adapters.aws import code_of, is_temporary
from paidonce.domain.errors import NotConfigured, TryAgain
from paidonce.use_cases.ports import Clock, Telemetry
from paidonce.use_cases.stripe_ports import SigningSecret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"


class VersionedSecretsProvider(SecretsProvider):
    """Powertools' provider, whose values say which version they are: a JSON list (id, text)."""

    def _get(self, name: str, **sdk_options: Any) -> str:
        found = self.client.get_secret_value(**sdk_options | {"SecretId": name})
        return json.dumps([found.get("VersionId", ""), found.get("SecretString")])


class SecretVersion:
    """One version stage of one secret, cached for `cache_seconds`."""

    def __init__(
        self, client: "SecretsManagerClient", *, arn: str, version_stage: str, cache_seconds: int
    ) -> None:
        self._provider = VersionedSecretsProvider(boto3_client=client)
        self._arn = arn
        self._version_stage = version_stage
        self._cache_seconds = cache_seconds

    def read(self, *, anew: bool = False) -> Mapping[str, Any] | None:
        """The JSON object in it; None and errors as `read_with_id`."""
        found = self.read_with_id(anew=anew)
        return found and found[1]

    def read_with_id(self, *, anew: bool = False) -> tuple[str, Mapping[str, Any]] | None:
        """Its version id and JSON object, or None when there is no such version or no object in it.

        Raises TryAgain when Secrets Manager does not answer; what it refuses passes through.
        """
        try:
            stored = self._provider.get(
                self._arn,
                max_age=self._cache_seconds,
                force_fetch=anew,
                VersionStage=self._version_stage,
            )
        except GetParameterError as error:
            _raise_unless_absent(error)
            return None
        version_id, text = json.loads(stored) if isinstance(stored, str) else ("", None)
        try:
            document = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            return None
        return (version_id, document) if isinstance(document, dict) else None


def _raise_unless_absent(error: GetParameterError) -> None:
    """Pass over a version that is not there; raise for everything else."""
    # Powertools keeps the cause only as context.
    cause = error.__context__
    if isinstance(cause, ClientError) and code_of(cause) == "ResourceNotFoundException":
        return
    if cause is not None and is_temporary(cause):
        raise TryAgain("Secrets Manager did not answer") from error
    raise cause or error


class StoredSigningSecrets:
    """The port `SigningSecrets`.

    A refresh is forced at most once per `refresh_seconds` and container, so that forged webhooks
    cannot become traffic to Secrets Manager. What it finds under AWSPENDING counts as live for
    `cache_seconds`: during a rotation both endpoints deliver.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        *,
        arn: str,
        cache_seconds: int,
        refresh_seconds: int,
        clock: Clock,
    ) -> None:
        self._current = SecretVersion(
            client, arn=arn, version_stage=CURRENT, cache_seconds=cache_seconds
        )
        # Read only by force, so nothing is gained from a cache.
        self._pending = SecretVersion(client, arn=arn, version_stage=PENDING, cache_seconds=0)
        self._cache_seconds = cache_seconds
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._refreshed_at: float | None = None
        self._found_pending: Sequence[SigningSecret] = ()

    def current(self, name: str) -> Sequence[str]:
        """See `SigningSecrets.current`."""
        return _of_name(name, self._live())

    def refreshed(self, name: str) -> Sequence[str] | None:
        """See `SigningSecrets.refreshed`."""
        is_due = self._seconds_since_refresh() >= self._refresh_seconds
        if is_due:
            # Noted before the calls: one that fails counts too.
            self._refreshed_at = self._clock.now()
            self._found_pending = ()
            self._current.read(anew=True)
            self._found_pending = _entries(self._pending.read(anew=True))
        live = self._live()
        if not live:
            raise NotConfigured("no webhook endpoint has a signing secret yet")
        return _of_name(name, live) if is_due else None

    def _live(self) -> Sequence[SigningSecret]:
        current = _entries(self._current.read())
        if self._seconds_since_refresh() < self._cache_seconds:
            return [*current, *self._found_pending]
        return current

    def _seconds_since_refresh(self) -> float:
        if self._refreshed_at is None:
            return float("inf")
        return self._clock.now() - self._refreshed_at


def _entries(document: Mapping[str, Any] | None) -> Sequence[SigningSecret]:
    """The endpoints of a `signing` document. An empty secret would let anybody sign: left out."""
    endpoints = document.get("endpoints") if document else None
    return [
        SigningSecret(name=name, secret=secret)
        for endpoint in (endpoints if isinstance(endpoints, list) else ())
        if isinstance(endpoint, dict)
        and (name := _text(endpoint.get("name")))
        and (secret := _text(endpoint.get("secret")))
    ]


def _of_name(name: str, entries: Sequence[SigningSecret]) -> Sequence[str]:
    return list(dict.fromkeys(entry.secret for entry in entries if entry.name == name))


def _text(value: object) -> str:
    """A string as it was meant: pasted values often end in a line break."""
    return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True, kw_only=True)
class KeyVersion:
    """A restricted key, and the id of the secret's version that holds it."""

    version_id: str
    key: str = field(repr=False)


class StripeKey:
    """A restricted key of Stripe's, as one function reads it.

    When no key was put in yet, the secret's name is logged, once per container.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        *,
        arn: str,
        cache_seconds: int,
        telemetry: Telemetry,
    ) -> None:
        self._current = SecretVersion(
            client, arn=arn, version_stage=CURRENT, cache_seconds=cache_seconds
        )
        # Read only when the current one is refused, so nothing is gained from a cache.
        self._previous = SecretVersion(client, arn=arn, version_stage=PREVIOUS, cache_seconds=0)
        self.secret_name = secret_name(arn)
        self._telemetry = telemetry
        self._was_told = False

    def current(self, *, anew: bool = False) -> KeyVersion:
        """The key, cached or as it is stored now.

        Raises NotConfigured for a placeholder, TryAgain.
        """
        if found := _key_in(self._current.read_with_id(anew=anew)):
            return found
        if not self._was_told:
            self._was_told = True
            self._telemetry.fact("the secret still holds its placeholder", secret=self.secret_name)
        raise NotConfigured(f"{self.secret_name} holds no key yet")

    def previous(self) -> KeyVersion | None:
        """The key before the current one, if there is one; raises TryAgain."""
        return _key_in(self._previous.read_with_id(anew=True))


def _key_in(stored: tuple[str, Mapping[str, Any]] | None) -> KeyVersion | None:
    if stored and (key := _text(stored[1].get("key"))):
        return KeyVersion(version_id=stored[0], key=key)
    return None


def secret_name(arn: str) -> str:
    """The name in a secret's ARN, without the six characters that Secrets Manager adds."""
    name = arn.rpartition(":secret:")[2]
    return name.rpartition("-")[0] if name != arn else arn
