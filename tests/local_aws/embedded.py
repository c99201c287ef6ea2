"""The embedded AWS alone, and short ways to put functions and stacks on it."""

import io
import json
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from local.processes import Running

T = TypeVar("T")
ROLE = "arn:aws:iam::000000000000:role/any"
Resources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class EmbeddedAws:
    """One that runs."""

    running: Running
    log: Path

    def client(self, service: str) -> Any:
        """A boto3 client of it."""
        any_client: Any = boto3.client
        return any_client(
            service,
            endpoint_url=self.running.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def control(self, method: str, name: str, body: object = None) -> httpx.Response:
        """One of its own controls."""
        return httpx.request(method, f"{self.running.url}/_paidonce/{name}", json=body)

    def stack(self, resources: Resources, **outputs: object) -> dict[str, str]:
        """What these resources give as outputs, once they are made."""
        name, cloudformation = f"s{secrets.token_hex(4)}", self.client("cloudformation")
        template = {
            "Resources": resources,
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        made = cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in made}

    def function(self, source: str, *, layers: list[str] | None = None) -> str:
        """The name of a new function whose module is `source` and whose handler is `handle`."""
        name = f"f{secrets.token_hex(4)}"
        self.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            Runtime="python3.13",
            Handler="code.handle",
            Code={"ZipFile": archive({"code.py": source})},
            Layers=layers or [],
            Timeout=10,
        )
        return name

    def invoke(self, function: str, event: object = None) -> Any:
        """What the function answers."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())


def archive(files: Mapping[str, str]) -> bytes:
    """A zip of these files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as written:
        for name, text in files.items():
            written.writestr(name, text)
    return whole.getvalue()


def until(look: Callable[[], T], seconds: float = 10) -> T:
    """What `look` sees as soon as it is something."""
    tries = Retrying(
        retry=retry_if_result(lambda seen: not seen),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.05),
    )
    return tries(look)
