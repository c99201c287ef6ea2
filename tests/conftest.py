"""What tests of several folders share: the local cloud, started once a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe
from hypothesis import HealthCheck, settings

from local.cloud import LocalCloud
from local.shop import Shop
from tests.asked_of_stripe import misplaced_keys

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


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The whole stage, deployed by the pinned cdk on free ports."""
    # Every event, so that what no rule decides about is looked at too.
    with LocalCloud(Path(tmp_path_factory.mktemp("cloud")), enabled_events=["*"]) as running:
        running.deploy()
        yield running
        # Over the whole run, whoever asked: each POST of ours had an idempotency key, no GET did.
        assert misplaced_keys(Shop(running.endpoints)) == []


@pytest.fixture(scope="session")
def shop(cloud: LocalCloud) -> Shop:
    """The caller's side of it."""
    return Shop(cloud.endpoints)
