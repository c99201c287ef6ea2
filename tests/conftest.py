"""What tests of several folders share: the local cloud, started once a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.shop import Shop


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The whole stage, deployed by the pinned cdk on free ports."""
    with LocalCloud(Path(tmp_path_factory.mktemp("cloud"))) as running:
        running.deploy()
        yield running


@pytest.fixture(scope="session")
def shop(cloud: LocalCloud) -> Shop:
    """The caller's side of it."""
    return Shop(cloud.endpoints)
