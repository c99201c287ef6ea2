"""What Secrets Manager holds for us: signing secrets and restricted keys, read when first needed.

Powertools caches by name alone, whatever version stage was asked for, so each stage has a provider
of its own. Values never enter an error's text or a log line.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider
from botocore.exceptions import ClientError

from paidonce.adapters.aws import code_of, is_temporary
from paidonce.domain.errors import NotConfigured, TryAgain
from paidonce.use_cases.ports import Clock, SigningSecret, Telemetry

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"


class SecretVersion:
    """One version stage of one secret, cached for `cache_seconds`."""

    def __init__(
        self, client: "SecretsManagerClient", *, arn: str, version_stage: str, cache_seconds: int
    ) -> None:
        self._provider = SecretsProvider(boto3_client=client)
        self._arn = arn
        self._version_stage = version_stage
        self._cache_seconds = cache_seconds

    def read(self, *, anew: bool = False) -> Mapping[str, Any] | None:
        """The JSON object in it, or None when there is no such version or no object in it.

        Raises TryAgain when Secrets Manager does not answer; what it refuses passes through.
        """
        try:
            text = self._provider.get(
                self._arn,
                max_age=self._cache_seconds,
                force_fetch=anew,
                VersionStage=self._version_stage,
            )
        except GetParameterError as error:
            _raise_unless_absent(error)
            return None
        try:
            document = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


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
        self._version = SecretVersion(
            client, arn=arn, version_stage=CURRENT, cache_seconds=cache_seconds
        )
        self._name = secret_name(arn)
        self._telemetry = telemetry
        self._was_told = False

    def read(self) -> str:
        """The key, cached; raises NotConfigured for a placeholder, TryAgain."""
        return self._key_in(self._version.read())

    def refreshed(self) -> str:
        """The key as it is stored now; raises as `read`."""
        return self._key_in(self._version.read(anew=True))

    def _key_in(self, document: Mapping[str, Any] | None) -> str:
        if document and (key := _text(document.get("key"))):
            return key
        if not self._was_told:
            self._was_told = True
            self._telemetry.fact("the secret still holds its placeholder", secret=self._name)
        raise NotConfigured(f"{self._name} holds no key yet")


def secret_name(arn: str) -> str:
    """The name in a secret's ARN, without the six characters that Secrets Manager adds."""
    name = arn.rpartition(":secret:")[2]
    return name.rpartition("-")[0] if name != arn else arn
