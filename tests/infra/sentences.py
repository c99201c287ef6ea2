"""What a stage that is wrong says."""

import copy
import tomllib
from typing import Any

import pytest

from infra.allowed import StageError
from infra.stage import stage_from
from tests.infra.templates import STAGES

TABLES = tomllib.loads(STAGES.read_text())


def with_line(stage: str, line: str) -> dict[str, Any]:
    """What stages.toml would say with one more line in a stage's table."""
    tables: dict[str, Any] = copy.deepcopy(TABLES)
    merge(tables[stage], tomllib.loads(line))
    return tables


def merge(table: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and value and isinstance(table.get(key), dict):
            merge(table[key], value)
        elif isinstance(value, dict) and value and key not in table:
            table[key] = value
        else:
            table[key] = value


def sentence(stage: str, line: str) -> str:
    with pytest.raises(StageError) as raised:
        stage_from(with_line(stage, line), stage)
    return str(raised.value)
