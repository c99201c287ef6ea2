"""What an operator does at Stripe for a new stage, done at the stand-in: the restricted keys."""

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
            made = restricted_key(stripe_api_url, key, key_permissions(key_name))
            _put(secrets, arn, {"key": made, "created": _now()})


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


def restricted_key(stripe_api_url: str, key: str, names: Sequence[str]) -> str:
    """A new restricted key with exactly these permissions, as an operator makes one."""
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
