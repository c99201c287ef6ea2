"""What tests of several folders share: the local cloud, started once a session."""

import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stripe
from hypothesis import HealthCheck, settings

# Most runs start no cloud: what one takes (boto3, httpx) is imported where it is started.
if TYPE_CHECKING:
    from local.cloud import LocalCloud
    from local.shop import Shop

# How long an example takes tells of the machine and its other work, and nothing of the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
# Otherwise the library leaves an id of this machine in ~/.config/stripe, for Stripe's statistics.
stripe.enable_telemetry = False


@pytest.hookimpl(tryfirst=True)  # before `-m` looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the shared cloud; `make test` runs that in one process, to start it once."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        params = getattr(getattr(item, "callspec", None), "params", {})
        if "cloud" in names or "cloud" in params.values():
            item.add_marker(pytest.mark.cloud)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes lives to the end: to look for garbage there, ever again, is idle."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[LocalCloud]":
    """The whole stage, deployed by the pinned cdk on free ports."""
    from local.cloud import LocalCloud  # noqa: PLC0415 - only where a cloud starts
    from local.shop import Shop  # noqa: PLC0415 - same
    from tests.asked_of_stripe import misplaced_keys  # noqa: PLC0415 - same

    # Every event, so that what no rule decides about is looked at too.
    with LocalCloud(Path(tmp_path_factory.mktemp("cloud")), enabled_events=["*"]) as running:
        running.deploy()
        yield running
        # Over the whole run, whoever asked: each POST of ours had an idempotency key, no GET did.
        assert misplaced_keys(Shop(running.endpoints)) == []


@pytest.fixture(scope="session")
def shop(cloud: "LocalCloud") -> "Shop":
    """The caller's side of it."""
    from local.shop import Shop  # noqa: PLC0415 - only where a cloud starts

    return Shop(cloud.endpoints)
