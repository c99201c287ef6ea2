"""Templates of a stage, synthesised without pip, and read with every reference spelt out."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Read by jsii when aws_cdk is imported: Node's age is no finding of these tests, and unpacking
# aws-cdk-lib once per checkout saves seconds.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
ROOT = Path(__file__).parents[2]
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(ROOT / ".local" / "cache" / "jsii"))

import infra.node_home  # noqa: E402, F401 # isort: skip -- CDK's home, before anything of it
from aws_cdk import App  # noqa: E402 -- the two settings above must come first

from infra.blocks.layers import Target  # noqa: E402 -- as above
from infra.deployment import build_stacks  # noqa: E402 -- as above
from infra.stage import Stage, read_stage  # noqa: E402 -- as above

STAGES = ROOT / "stages.toml"
STACKS = ("storage", "service", "alarms")
Resource = dict[str, Any]


class Assembly:
    """The three templates of one stage."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.templates: dict[str, dict[str, Any]] = {
            name: json.loads((folder / f"PaidOnce-{stage.name}-{name}.template.json").read_text())
            for name in STACKS
        }
        self._exports = {
            output["Export"]["Name"]: (name, output["Value"])
            for name, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, kind: str) -> dict[str, Resource]:
        """Properties of each resource of a type, by its name or, without one, its logical id."""
        return {
            self.named(logical_id, resource): self.resolved(resource.get("Properties", {}), name)
            for name, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def whole(self, kind: str) -> dict[str, Resource]:
        """The resources themselves, with their deletion policies."""
        return {
            self.named(logical_id, resource): resource
            for template in self.templates.values()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def outputs(self) -> dict[str, Any]:
        """What the stacks tell, without the exports by which they know each other."""
        return {
            key: self.resolved(output["Value"], name)
            for name, template in self.templates.items()
            for key, output in template.get("Outputs", {}).items()
            if "Export" not in output
        }

    def resolved(self, value: Any, stack: str) -> Any:
        """References as text: a resource's own name, and its attribute where one is asked for."""
        if isinstance(value, list):
            return [self.resolved(one, stack) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            text = self._text(function, argument, stack)
            if text is not None:
                return text
        return {key: self.resolved(one, stack) for key, one in value.items()}

    def _text(self, function: str, argument: Any, stack: str) -> Any:
        """What one of CloudFormation's functions stands for; None for what is none of these."""
        text: Any = None
        if function == "Ref":
            text = self._reference(argument, stack)
        elif function == "Fn::GetAtt":
            text = f"{self._reference(argument[0], stack)}.{argument[1]}"
        elif function == "Fn::ImportValue":
            there, exported = self._exports[argument]
            text = self.resolved(exported, there)
        elif function == "Fn::Sub" and isinstance(argument, str):
            text = re.sub(r"\$\{([^}]+)\}", r"\1", argument)
        elif function == "Fn::Join":
            parts = self.resolved(argument[1], stack)
            if all(isinstance(part, str) for part in parts):
                text = str(argument[0]).join(parts)
        return text

    def _reference(self, logical_id: str, stack: str) -> str:
        resource = self.templates[stack]["Resources"].get(logical_id)
        return logical_id if resource is None else self.named(logical_id, resource)

    def named(self, logical_id: str, resource: Resource) -> str:
        """A resource's physical name where it has one."""
        properties = resource.get("Properties", {})
        for key in ("FunctionName", "QueueName", "TableName", "AlarmName", "LogGroupName"):
            if isinstance(properties.get(key), str):
                return str(properties[key])
        for key in ("Name", "TopicName", "UserPoolName", "ClientName", "RouteKey"):
            if isinstance(properties.get(key), str) and resource["Type"] != "AWS::Lambda::Alias":
                return str(properties[key])
        return logical_id


class Assemblies:
    """Synthesises on demand and keeps what it made; notes which settings were ever read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Assembly] = {}
        self.read: set[str] = set()
        self._context = json.loads((ROOT / "cdk.json").read_text())["context"]

    def of(self, name: str) -> Assembly:
        """A stage of stages.toml as it stands there."""
        if name not in self._made:
            self._made[name] = self.build(name, read_stage(STAGES, name))
        return self._made[name]

    def customised(self) -> Assembly:
        """All that is optional, in use."""
        if "customised" not in self._made:
            self._made["customised"] = self.build("customised", customised_stage())
        return self._made["customised"]

    def build(self, key: str, stage: Stage) -> Assembly:
        """Synthesise one stage; fails when cdk-nag finds what nobody accepted."""
        folder = self._folder / key
        with noting_reads(self.read):
            app = App(outdir=str(folder), context=self._context)
            build_stacks(app, stage, build_layer=self._empty_layer)
            app.synth()
        return Assembly(stage, folder)

    def _empty_layer(self, target: Target) -> Path:
        layer = self._folder / f"layer-{target.architecture}-{target.python}"
        (layer / "python").mkdir(parents=True, exist_ok=True)
        return layer


def customised_stage() -> Stage:
    """The stage prod with an issuer, a domain and an e-mail of its own, x86 and SnapStart."""
    prod = read_stage(STAGES, "prod")
    return dataclasses.replace(
        prod,
        account="111122223333",
        runtime=dataclasses.replace(prod.runtime, architecture="x86_64", snap_start=True),
        jwt=dataclasses.replace(prod.jwt, issuer="https://id.example.com/", audience=("shop",)),
        http=dataclasses.replace(
            prod.http,
            cors_origins=(),
            domain_name="pay.example.com",
            certificate_arn="arn:aws:acm:us-east-1:111122223333:certificate/example",
        ),
        alarms=dataclasses.replace(
            prod.alarms, email="team@example.com", pages_email="on-call@example.com"
        ),
        consumers=dataclasses.replace(prod.consumers, back_office_email="back-office@example.com"),
    )


def setting_keys(table: type[Any] = Stage, place: str = "") -> Iterator[str]:
    """Every key of a stage, as in worker.timeout_seconds."""
    for field in dataclasses.fields(table):
        if dataclasses.is_dataclass(field.type):
            yield from setting_keys(field.type, f"{field.name}.")  # type: ignore[arg-type]  # a class, as is_dataclass cannot say
        else:
            yield f"{place}{field.name}"


@contextmanager
def noting_reads(read: set[str]) -> Iterator[None]:
    """Note each setting that is looked at while this is open."""
    tables: dict[type[Any], str] = {Stage: ""}
    for field in dataclasses.fields(Stage):
        if dataclasses.is_dataclass(field.type):
            tables[field.type] = f"{field.name}."  # type: ignore[index]  # a class, as is_dataclass cannot say

    def noting(place: str) -> Any:
        def get(self: object, name: str) -> Any:
            read.add(f"{place}{name}")
            return object.__getattribute__(self, name)

        return get

    for table, place in tables.items():
        table.__getattribute__ = noting(place)
    try:
        yield
    finally:
        for table in tables:
            del table.__getattribute__


def spelt(assembly: Assembly) -> dict[str, Any]:
    """Every resource by stack, type and name, without the stage's name, its account and hashes."""
    name = assembly.stage.name
    everything = {
        f"{stack} {resource['Type']} {assembly.named(logical_id, resource)}": {
            **assembly.resolved(resource, stack),
        }
        for stack, template in assembly.templates.items()
        for logical_id, resource in template["Resources"].items()
    }
    text = json.dumps(everything)
    text = re.sub(rf"(?i)(paidonce[-/.]){name}\b", r"\1STAGE", text)
    text = re.sub(rf"(Paid Once ){name}\b", r"\1STAGE", text)
    text = re.sub(rf'("(?:STAGE|Value|paidonce:stage)": )"{name}"', r'\1"STAGE"', text)
    # Inside a dashboard, which is JSON in a text: the dimension of a metric.
    inside = re.escape('\\"stage\\",\\"')
    text = re.sub(rf"({inside}){name}\b", r"\1STAGE", text)
    text = re.sub(r"AWS::AccountId|000000000000", "ACCOUNT", text)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1", text)
    # CDK's name of the statement that lets a rule put into a queue.
    text = re.sub(r'"AllowEventRule\w+"', '"AllowEventRule"', text)
    text = re.sub(r"[0-9a-f]{64}\.zip", "CODE.zip", text)
    text = re.sub(r"(Layers(?:Own|Dependencies))[0-9A-F]{8}", r"\1", text)
    spelt_out: dict[str, Any] = json.loads(text)
    return spelt_out
