"""The write that docs/extend.md gives to consumers that copy state."""

import random
import re
import textwrap
from contextlib import suppress
from dataclasses import replace
from typing import Any

import boto3
import pytest

from tests.a_change import a_warning
from tests.adapters.places import Place
from tests.house.tree import ROOT
from tests.use_cases.a_refund_desk import a_paid_payment


def the_write() -> str:
    """The example's code, as a reader would take it."""
    text = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n( +table\.put_item\(.*?)```", text, re.DOTALL)
    assert found is not None
    return textwrap.dedent(found[1])


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_ends_at_the_newest_version_in_whatever_order_they_come(
    moto: Place, seed: int
) -> None:
    name = moto.table("id")
    any_resource: Any = boto3.resource
    table = any_resource("dynamodb", region_name="us-east-1").Table(name)
    older = table.meta.client.exceptions.ConditionalCheckFailedException
    versions = [*range(1, 6), *range(1, 6)]
    random.Random(seed).shuffle(versions)
    for version in versions:
        told = replace(a_warning(a_paid_payment(version=version)), version=version)
        names = {"table": table, "told": told, "payment": {**told.object, "status": f"v{version}"}}
        with suppress(older):
            exec(the_write(), names)  # noqa: S102 - the document's own example
    stored = table.get_item(Key={"id": "pay_1"})["Item"]
    assert (stored["version"], stored["status"]) == (5, "v5")
