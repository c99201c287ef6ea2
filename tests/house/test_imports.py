"""Importing a handler costs what it must, and asks nobody anything."""

from collections.abc import Callable
from functools import cache

import pytest

from bench.as_in_lambda import hidden_modules
from tests.house.imports import Seen, environment_of, watch
from tests.house.tree import ROOT
from tests.infra.templates import Assembly

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
# Each costs the receiver more than all of its own work (docs/decisions).
TOO_DEAR = (
    "stripe",
    "pydantic",
    "requests",
    "tenacity",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.event_handler",
)


@pytest.fixture(scope="session")
def imported(prod: Assembly) -> Callable[[str], Seen]:
    """What the import of a handler did, with the environment that the template sets."""

    @cache
    def seen(folder: str) -> Seen:
        return watch(f"import {folder}.handler", environment_of(prod, folder))

    return seen


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_no_handler_opens_a_connection_or_reads_a_secret_at_import(
    imported: Callable[[str], Seen], folder: str
) -> None:
    """Secrets are on the other side of a connection, so the one proves the other."""
    assert imported(folder).opened == []
    assert f"{folder}.handler" in imported(folder).modules


def test_the_receiver_loads_nothing_dear(imported: Callable[[str], Seen]) -> None:
    assert imported("receive_webhook").loaded(*TOO_DEAR) == set()


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_no_handler_loads_what_only_a_laptop_has(
    imported: Callable[[str], Seen], folder: str
) -> None:
    """It runs on the layers and the runtime alone: all else that is installed here is hidden."""
    assert {"aws_cdk", "moto", "rich", "httpx"} <= hidden_modules()
    laptop = ("local", "ops", "tests", "infra", *hidden_modules())
    # Python's own start may load some of them.
    assert imported(folder).loaded(*laptop) <= watch("", {}).loaded(*laptop)


def test_a_module_that_is_not_in_the_layer_would_be_found() -> None:
    with pytest.raises(AssertionError, match="rich is not in the layer"):
        watch("import rich", {})


def test_dear_modules_would_be_found(imported: Callable[[str], Seen]) -> None:
    assert imported("payments_api").loaded("stripe", "pydantic") == {"stripe", "pydantic"}


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
        "import boto3; boto3.client('secretsmanager').get_secret_value(SecretId='x')",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_a_connection_at_import_would_be_found(code: str) -> None:
    assert watch(code, {}).opened
