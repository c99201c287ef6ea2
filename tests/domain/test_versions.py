"""Which API versions are known."""

import pytest
from paidonce.domain.versions import PINNED, is_known


@pytest.mark.parametrize(
    "version",
    [
        None,
        "2011-06-21",
        "2020-08-27",
        "2024-06-20",
        "2024-09-30.acacia",
        "2025-03-31.basil",
        "2025-08-27.basil",
        "2026-02-25.clover",
        "2026-08-26.dahlia",
        "2026-09-30.endive",
        PINNED,
    ],
)
def test_a_version_up_to_our_own_is_known(version: str | None) -> None:
    assert is_known(version)


@pytest.mark.parametrize(
    "version",
    [
        "2026-10-29.endive",  # newer than ours, though of our release
        "2027-03-31.fennel",
        "2026-10-28.fennel",  # a name that no release has
        "2026-10-28.dahlia",  # of another release's time
        "2026-09-30.preview",
        "2026-10-28",  # the time of dates alone is over
        "2024-06-21",
        "2011-06-20",
        "2020-13-45",
        "2020-08",
        "20200827",
        "latest",
        ".",
        "",
    ],
)
def test_a_version_that_may_show_other_shapes_is_not(version: str) -> None:
    assert not is_known(version)
