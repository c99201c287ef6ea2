"""The signing secret rotates on the local cloud: RotateSecret, its four steps, our functions."""

from collections.abc import Iterator

import pytest
import stripe
from paidonce.use_cases.ring_receiver import SELFTEST

from local.cloud import LocalCloud
from local.drill import Drill
from local.rotating import Rotating
from local.shop import Shop
from local.stripe.delivery.settings import TEST_RETRY_SECONDS
from tests.journeys.bringing import bring_the_rest


@pytest.fixture(scope="module")
def rotating(cloud: LocalCloud, shop: Shop) -> Iterator[Rotating]:
    """The shared stage; afterwards it has one endpoint again, which is sent all that there is."""
    assert cloud.endpoints
    yield Rotating(shop)
    shop.control("POST", "deliveries", {"retry_seconds": list(TEST_RETRY_SECONDS)})
    Rotating(shop).retire()
    (endpoint_id,) = Rotating(shop).at_stripe()
    shop.stripe.v1.webhook_endpoints.update(endpoint_id, {"enabled_events": ["*"]})
    # A new endpoint is sent what has a rule.
    bring_the_rest(shop)


def own_events(shop: Shop) -> set[str]:
    """What became of the events by which rotations asked the receiver, three at least."""

    def outcomes() -> list[str]:
        rows = shop.rows("EventsTableName")
        found = [row["outcome"] for row in rows if row["event_id"].startswith(SELFTEST)]
        return found if len(found) >= 3 else []

    return set(shop.until(outcomes, what="they are in the ledger"))


def test_a_rotation_adds_an_endpoint_and_retirement_takes_the_old_one(rotating: Rotating) -> None:
    """Made, tested and promoted; swept, disabled, deleted, forgotten: AWSCURRENT only moves."""
    before = rotating.document["endpoints"]
    rotating.rotate_signing()
    new, old = rotating.document["endpoints"][:2]
    assert old["id"] == before[0]["id"]
    assert old["retire_after"]
    assert new["retire_after"] is None
    made = rotating.at_stripe()[new["id"]]
    assert made.status == "enabled"
    assert made.metadata.to_dict()["paidonce_generation"] == rotating.labels()["AWSCURRENT"]
    assert made.api_version == stripe.api_version
    assert all(rotating.is_accepted(one["secret"]) for one in (new, old))
    assert rotating.document["based_on"] == rotating.labels()["AWSPREVIOUS"]
    assert own_events(rotating.shop) == {"ignored"}

    rotating.retire()
    assert [one["id"] for one in rotating.document["endpoints"]] == [new["id"]]
    assert set(rotating.at_stripe()) == {new["id"]}
    assert rotating.is_refused_soon(old["secret"])
    assert rotating.is_accepted(new["secret"])
    assert set(rotating.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_secret_rolled_in_the_dashboard_goes_on_during_its_overlap(rotating: Rotating) -> None:
    """Stripe signs with both; the document's one fits until the overlap ends."""
    shop, endpoint = rotating.shop, rotating.document["endpoints"][0]
    shop.control("POST", f"endpoints/{endpoint['id']}/roll", {"overlap_seconds": 60})
    payment = shop.new_payment()
    shop.confirm(payment["payment_intent_id"])
    assert shop.payment_when(payment["id"], "paid")


def test_the_drill_in_short(cloud: LocalCloud, rotating: Rotating) -> None:
    """Payments and their webhooks while a secret and a key rotate; then forged webhooks."""
    drill = Drill(cloud, rotating.shop)
    drill.rotates_under_load(per_second=2, seconds=10, rotations=1)
    drill.stands_forged_traffic(forged_per_second=20, genuine_per_second=3, seconds=5)
    assert drill.counted.broken == []
    assert drill.counted.api[201] == 20
    assert drill.counted.facts["endpoints at the end"] == "1"
