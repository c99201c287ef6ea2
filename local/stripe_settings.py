"""What an operator does at Stripe for a new stage, done at the stand-in: keys, and one endpoint."""

import datetime as dt
import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import stripe
from mypy_boto3_secretsmanager import SecretsManagerClient
from paidonce import rules
from paidonce.domain import permissions, rulebook

from local.deployment import output
from local.errors import LocalCloudError
from local.servers import CHECKOUT

# Otherwise the library leaves an id of this machine in ~/.config/stripe, for Stripe's statistics.
stripe.enable_telemetry = False

# The output of each key's secret, and the key's name in the manifest of permissions.
KEY_OF_OUTPUT: Mapping[str, str] = {
    "PaymentsKeyArn": "payments",
    "RefundsKeyArn": "refunds",
    "ReaderKeyArn": "reader",
    "EndpointsKeyArn": "endpoints",
}


def key_permissions(key: str) -> list[str]:
    """What an operator ticks for this key, by Stripe's names."""
    rulebook.load(rules)
    return [permission.name for permission in permissions.of_key(key)]


def stage_setting(stage: str, name: str) -> str:
    """A `stripe.` setting of stages.toml, the stage's own or the default."""
    try:
        stages = tomllib.loads((CHECKOUT / "stages.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LocalCloudError(f"stages.toml cannot be read: {error}") from error
    for table in (stages.get(stage, {}), stages.get("defaults", {})):
        if name in table.get("stripe", {}):
            return str(table["stripe"][name])
    raise LocalCloudError(f"stages.toml says nothing about stripe.{name} for {stage}.")


def secret_key(publishable_key: str) -> str:
    """The stand-in's secret key of the account that a publishable key belongs to."""
    return "sk" + publishable_key.removeprefix("pk")


def put_keys(
    secrets: SecretsManagerClient, outputs: Mapping[str, str], stripe_api_url: str, key: str
) -> None:
    """Give each key secret a restricted key of the stand-in, unless it has one that works there."""
    for name, key_name in KEY_OF_OUTPUT.items():
        arn = output(outputs, name)
        if not _works(_document(secrets, arn).get("key"), stripe_api_url):
            made = _restricted_key(stripe_api_url, key, key_permissions(key_name))
            _put(secrets, arn, {"key": made, "created": _now()})


def register_endpoint(
    secrets: SecretsManagerClient,
    outputs: Mapping[str, str],
    client: stripe.StripeClient,
    *,
    url: str,
    enabled_events: Sequence[str],
    api_version: str,
) -> None:
    """See that the stand-in delivers to `url`, and that the signing document holds its secret."""
    arn = output(outputs, "SigningSecretArn")
    known = {endpoint["id"] for endpoint in _document(secrets, arn).get("endpoints", [])}
    for endpoint in client.v1.webhook_endpoints.list().auto_paging_iter():
        if endpoint.id in known and endpoint.url == url:
            if sorted(endpoint.enabled_events) != sorted(enabled_events):
                client.v1.webhook_endpoints.update(
                    endpoint.id, {"enabled_events": _events(enabled_events)}
                )
            return
    made = client.v1.webhook_endpoints.create(
        {"url": url, "enabled_events": _events(enabled_events), "api_version": _any(api_version)}
    )
    entry = {
        "id": made.id,
        "name": "default",
        "secret": made.secret,
        "created": _now(),
        "retire_after": None,
    }
    _put(secrets, arn, {"based_on": None, "endpoints": [entry]})


def _events(enabled_events: Sequence[str]) -> Any:
    return list(enabled_events)


def _any(value: str) -> Any:
    return value


def _document(secrets: SecretsManagerClient, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    return found


def _put(secrets: SecretsManagerClient, arn: str, document: Mapping[str, Any]) -> None:
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(document))


def _works(key: str | None, stripe_api_url: str) -> bool:
    if not key:
        return False
    # 403 is a key that is known and may not do this; 401 is one that is not known.
    answer = httpx.get(f"{stripe_api_url}/v1/balance", headers=_authorized(key), trust_env=False)
    return answer.status_code != httpx.codes.UNAUTHORIZED


def _restricted_key(stripe_api_url: str, key: str, names: Sequence[str]) -> str:
    answer = httpx.post(
        f"{stripe_api_url}/_test/keys",
        json={"permissions": list(names), "livemode": False},
        headers=_authorized(key),
        trust_env=False,
    )
    if not answer.is_success:
        raise LocalCloudError(f"The stand-in Stripe made no restricted key: {answer.text}")
    made: str = answer.json()["key"]
    return made


def _authorized(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
