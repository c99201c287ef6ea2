"""A stage as its operator finds it: secrets on moto, Stripe's stand-in, the command line."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from paidonce import rules
from paidonce.domain import permissions, rulebook
from paidonce.domain.permissions import Permission
from typer.testing import CliRunner, Result

from local.stripe.identifiers import random_letters
from ops.app import app
from ops.place import SECRETS
from tests.ops import around

rulebook.load(rules)
WEBHOOK_URL = "https://shop.example.com/webhooks/stripe"
TABLE = "paidonce-local-payments"


@dataclass
class AStage:
    """One stage, freshly deployed: placeholders in its secrets."""

    stripe_url: str
    folder: Path
    owner: str

    @classmethod
    def deployed(cls, stripe_url: str, folder: Path) -> "AStage":
        """Five placeholders, what stands around them, and the local cloud's word about itself."""
        stage = cls(stripe_url, folder, "sk_" + "test_" + random_letters(24))
        manager = boto3.client("secretsmanager")
        outputs = {"WebhookUrl": WEBHOOK_URL, **around.made()}
        for name, output in SECRETS.items():
            empty: Any = {"key": "", "created": None}
            path = f"keys/{name}"
            if name == "signing":
                empty, path = {"based_on": None, "endpoints": []}, name
            outputs[output] = manager.create_secret(
                Name=f"paidonce/local/stripe/{path}", SecretString=json.dumps(empty)
            )["ARN"]
        said = {
            "outputs": outputs,
            "stripe_api_url": stripe_url,
            "webhook_url": WEBHOOK_URL,
            "aws_endpoint_url": None,
            "region": "us-east-1",
            # Those of the environment.
            "aws_access_key_id": None,
            "aws_secret_access_key": None,
        }
        stage.endpoints_file.write_text(json.dumps(said))
        return stage

    @property
    def endpoints_file(self) -> Path:
        """Where the command line finds it."""
        return self.folder / "endpoints.json"

    @property
    def outputs(self) -> dict[str, str]:
        """The stacks'."""
        found: dict[str, str] = json.loads(self.endpoints_file.read_text())["outputs"]
        return found

    def paidonce(self, *words: str, typed: str = "") -> Result:
        """Run the command line."""
        arguments = ["--endpoints", str(self.endpoints_file), *words]
        return CliRunner().invoke(app, arguments, input=typed)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One of the stand-in's own controls."""
        headers = {"Authorization": f"Bearer {self.owner}"}
        url = f"{self.stripe_url}/_test/{path}"
        return httpx.request(method, url, json=body, headers=headers).raise_for_status().json()

    def api(self, method: str, path: str, **form: Any) -> Any:
        """Stripe's API, as the account's owner."""
        headers = {"Authorization": f"Bearer {self.owner}"}
        url = f"{self.stripe_url}/v1/{path}"
        return httpx.request(method, url, data=form, headers=headers).raise_for_status().json()

    def makes_key(self, ticked: Sequence[Permission]) -> str:
        """A restricted key of the stage's account."""
        wanted = {"permissions": [p.name for p in ticked], "livemode": False}
        made: str = self.control("POST", "keys", wanted)["key"]
        return made

    def holds(self, name: str, key: str, created: str | None = "2026-11-20T00:00:00Z") -> None:
        """A key in its secret."""
        self.writes(name, {"key": key, "created": created})

    def writes(self, name: str, document: Any, label: str = "AWSCURRENT") -> None:
        """A document in a secret."""
        boto3.client("secretsmanager").put_secret_value(
            SecretId=self.outputs[SECRETS[name]],
            SecretString=json.dumps(document),
            VersionStages=[label],
        )

    def document(self, name: str) -> Any:
        """What is in a secret."""
        found = boto3.client("secretsmanager").get_secret_value(
            SecretId=self.outputs[SECRETS[name]], VersionStage="AWSCURRENT"
        )
        return json.loads(found["SecretString"])

    def is_set_up(self) -> "AStage":
        """The right keys, and an endpoint."""
        for name in permissions.KEYS:
            self.holds(name, self.makes_key(permissions.of_key(name)))
        ended = self.paidonce("doctor", "--fix", "--only", "deployment")
        assert "is the endpoint of default" in ended.stdout, ended.output
        return self

    def findings(self, only: str = "", *options: str) -> dict[str, dict[str, str]]:
        """What doctor finds, by check: the first of the worst."""
        one_check = ["--only", only] if only else []
        said = json.loads(self.paidonce("doctor", "--json", *one_check, *options).stdout)
        grades = ("ok", "warn", "fail")
        found: dict[str, dict[str, str]] = {}
        for one in said["findings"]:
            known = found.setdefault(one["check"], one)
            if grades.index(one["grade"]) > grades.index(known["grade"]):
                found[one["check"]] = one
        return found
