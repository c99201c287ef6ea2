"""Deploys and rollbacks of one function, as an operator would do them by its alias."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.shop import Shop

LAYER = Path(__file__).parents[2] / "layers" / "paidonce"


@contextmanager
def bad_deploy(
    shop: Shop, function: str, *, changes: dict[str, Callable[[str], str]]
) -> Iterator[None]:
    """`live` points to a version whose layer has these files edited; at the end to the old one."""
    client = shop.client("lambda")
    name = f"paidonce-local-{function.replace('_', '-')}"
    before = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    layers = [
        layer["Arn"] for layer in client.get_function_configuration(FunctionName=name)["Layers"]
    ]
    ours = next(arn for arn in layers if is_ours(client, arn))
    edited = client.publish_layer_version(LayerName="edited", Content={"ZipFile": zipped(changes)})[
        "LayerVersionArn"
    ]
    try:
        _point(client, name, layers=[edited if arn == ours else arn for arn in layers])
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Layers=layers)
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=before)


@contextmanager
def bad_setting(shop: Shop, function: str, **variables: str) -> Iterator[None]:
    """`live` points to a version with other environment variables; at the end to the old one."""
    client = shop.client("lambda")
    name = f"paidonce-local-{function.replace('_', '-')}"
    before = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    found = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    try:
        _point(client, name, environment={"Variables": found | variables})
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": found})
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=before)


def _point(client: Any, name: str, *, layers: Any = None, environment: Any = None) -> None:
    changed = {"Layers": layers} if layers else {"Environment": environment}
    client.update_function_configuration(FunctionName=name, **changed)
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def is_ours(client: Any, arn: str) -> bool:
    """The layer with our own package, not the one with its dependencies."""
    name, version = arn.rsplit(":", 2)[-2:]
    found = client.get_layer_version(LayerName=name, VersionNumber=int(version))
    return int(found["Content"]["CodeSize"]) < 1_000_000


def zipped(changes: dict[str, Callable[[str], str]]) -> bytes:
    """Our layer with the named files edited; an edit that changes nothing is an error."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(LAYER.rglob("*.py")):
            place, text = str(path.relative_to(LAYER)), path.read_text()
            for ending, edit in changes.items():
                if place.endswith(ending):
                    edited = edit(text)
                    assert edited != text, f"{place} was not changed"
                    text = edited
            archive.writestr(place, text)
    return buffer.getvalue()
