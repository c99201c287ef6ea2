"""What journeys share: the operator's command line over the shared cloud."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from local.cloud import LocalCloud
from ops.app import app

Paidonce = Callable[..., Any]


@pytest.fixture
def paidonce(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Paidonce:
    """The command line over the shared cloud: its JSON, and that it exits as it should."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, exits: int = 0) -> Any:
        place = ["--endpoints", str(cloud.directory / "endpoints.json")]
        result = CliRunner().invoke(app, [*place, *words])
        assert result.exit_code == exits, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    return run
