"""Where a stage is, and what stages.toml says about it."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from paidonce.adapters.aws import client_config

from ops.errors import CalledWrongly, OpsError, what_to_do

CHECKOUT = Path(__file__).resolve().parents[1]
ENDPOINTS_FILE = CHECKOUT / ".local" / "endpoints.json"
LOCAL = "local"
_LIFETIMES = ("storage", "service", "alarms")
# The Stripe secrets of a stage: the last part of the name, and the stack's output of the ARN.
SECRETS: Mapping[str, str] = {
    "signing": "SigningSecretArn",
    "payments": "PaymentsKeyArn",
    "refunds": "RefundsKeyArn",
    "reader": "ReaderKeyArn",
    "endpoints": "EndpointsKeyArn",
}
SIGNING = "signing"


@dataclass(frozen=True, kw_only=True)
class Which:
    """What the command line says about where to look."""

    stage: str
    endpoints_file: Path


@dataclass(frozen=True)
class Settings:
    """A stage of stages.toml: its own values over the defaults."""

    stage: str
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        """The value of `table.key`, or of a key of no table."""
        table, _, name = key.rpartition(".")
        return self.values[table][name] if table else self.values[name]

    @property
    def livemode(self) -> bool:
        """Whether the money is real."""
        return bool(self["mode"] == "live")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A deployed stage: how AWS and Stripe are reached, and every output of its stacks."""

    settings: Settings
    outputs: Mapping[str, str]
    stripe_api_url: str
    webhook_url: str
    aws: Mapping[str, Any] = field(repr=False)

    def client(self, service: str) -> Any:
        """A boto3 client there."""
        return _client(service, self.aws)

    def arn(self, secret: str) -> str:
        """The ARN of a secret of ours, by the last part of its name."""
        return self.output(SECRETS[secret])

    def output(self, name: str) -> str:
        """An output that the stacks are known to have; raises OpsError."""
        try:
            return self.outputs[name]
        except KeyError:
            raise OpsError(
                f"The stacks have no output {name}: deploy this version first."
            ) from None

    @cached_property
    def secrets_manager(self) -> Any:
        """One client for all secrets."""
        return self.client("secretsmanager")


def read_settings(stage: str) -> Settings:
    """What stages.toml says about this stage; raises OpsError."""
    try:
        tables = tomllib.loads((CHECKOUT / "stages.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OpsError("stages.toml cannot be read: `make check` says what is wrong.") from error
    stages = [name for name in tables if name != "defaults"]
    if stage not in stages:
        raise CalledWrongly(f"The stage {stage} is unknown; stages.toml has {', '.join(stages)}.")
    return Settings(stage, _merged(tables["defaults"], tables[stage]))


def find(which: Which) -> Place:
    """The stage as it is deployed; raises OpsError."""
    settings = read_settings(which.stage)
    return _local(settings, which) if which.stage == LOCAL else _in_account(settings)


def _local(settings: Settings, which: Which) -> Place:
    try:
        said = json.loads(which.endpoints_file.read_text(encoding="utf-8"))
        return Place(
            settings=settings,
            outputs=said["outputs"],
            stripe_api_url=said["stripe_api_url"],
            webhook_url=said["webhook_url"],
            aws={
                "endpoint_url": said["aws_endpoint_url"],
                "region_name": said["region"],
                "aws_access_key_id": said["aws_access_key_id"],
                "aws_secret_access_key": said["aws_secret_access_key"],
            },
        )
    except FileNotFoundError:
        raise OpsError("No local cloud runs: start it with `make up`, or name a --stage.") from None
    except (ValueError, LookupError) as error:
        raise OpsError(
            f"{which.endpoints_file} is not what `make up` writes: run it again."
        ) from error


def _in_account(settings: Settings) -> Place:
    aws = {"region_name": settings["region"]}
    outputs: dict[str, str] = {}
    for lifetime in _LIFETIMES:
        name = f"PaidOnce-{settings.stage}-{lifetime}"
        try:
            (stack,) = _client("cloudformation", aws).describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            raise OpsError(f"{name} cannot be looked at: {_said(error)}") from error
        except BotoCoreError as error:
            raise OpsError(f"AWS cannot be asked: {error}: {what_to_do(error)}.") from error
        outputs |= {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    return Place(
        settings=settings,
        outputs=outputs,
        stripe_api_url=settings["stripe.api_url"],
        webhook_url=outputs.get("WebhookUrl", ""),
        aws=aws,
    )


def _said(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "refused"))


def _client(service: str, aws: Mapping[str, Any]) -> Any:
    # boto3-stubs want a literal name of a service; here it is an argument.
    make: Any = boto3.client
    return make(service, config=client_config(timeout_seconds=10), **aws)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        is_table = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(below, value) if is_table else value  # type: ignore[arg-type] # a table, as just seen
    return merged
