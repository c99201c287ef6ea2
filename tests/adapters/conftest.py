"""Where each contract runs: over the fake, over moto, over the local cloud."""

from collections.abc import Iterator

import pytest

from tests.adapters.places import Place, on_cloud, on_moto


@pytest.fixture(scope="module")
def moto() -> Iterator[Place]:
    """For what only the adapter is about."""
    yield from on_moto()


@pytest.fixture(
    scope="module", params=["fake", "moto", pytest.param("cloud", marks=pytest.mark.cloud)]
)
def place(request: pytest.FixtureRequest) -> Iterator[Place | None]:
    """None for the fake, otherwise where the real adapter writes."""
    if request.param == "fake":
        yield None
    elif request.param == "moto":
        yield from on_moto()
    else:
        yield on_cloud(request.getfixturevalue("cloud").aws)
