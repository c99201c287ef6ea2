"""The story that `make demo` tells holds, step by step."""

from collections.abc import Callable

import pytest
from rich.console import Console

from local.demo import STEPS, Story, summary
from local.shop import Shop


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_every_check_of_the_demo_holds(shop: Shop, step: Callable[[Story], None]) -> None:
    story = Story(shop=shop, console=Console(quiet=True))
    story.tell(step)
    assert story.broken == []


def test_the_last_page_counts_what_is_left(shop: Shop) -> None:
    labels = list(summary(shop).columns[0].cells)
    assert "payments paid" in labels
    assert "events dead" not in labels
