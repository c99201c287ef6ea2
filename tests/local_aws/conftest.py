"""The embedded AWS, started once for all tests of its extensions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes
from local.servers import embedded_aws
from tests.local_aws.embedded import EmbeddedAws


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Without the app, without Stripe: half a second."""
    folder: Path = tmp_path_factory.mktemp("aws")
    (folder / "tmp").mkdir()
    port, log = processes.free_port(), folder / "aws.log"
    running = processes.start(embedded_aws(port, folder, folder / "layers"), port, log)
    try:
        yield EmbeddedAws(running, log)
    finally:
        processes.stop(running)
    assert not processes.started_at(running.pid)
    assert not processes.group_lives(running.pid)
