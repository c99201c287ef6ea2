"""A lock that saves double work, over the fake, moto and the local cloud."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from paidonce.adapters.lease import PowertoolsLease
from paidonce.domain.errors import NotYetKnown, TryAgain
from paidonce.use_cases.ports import Lease

from tests.adapters.places import Place
from tests.fakes import FakeLease


class Invocation:
    """What the lease asks of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Time that this invocation has left."""
        return 50_000


def powertools_lease(place: Place, table: str, lease_seconds: int = 360) -> PowertoolsLease:
    lease = PowertoolsLease(
        place.client("dynamodb"),
        idempotency_table=table,
        key_prefix="apply_event",
        lease_seconds=lease_seconds,
    )
    context: Any = Invocation()
    lease.register_lambda_context(context)
    return lease


@pytest.fixture
def lease(place: Place | None) -> Lease:
    return FakeLease() if place is None else powertools_lease(place, place.table("id"))


def work_noted_in(done: list[str], name: str = "work") -> Callable[[], None]:
    return lambda: done.append(name)


def test_work_is_done_once(lease: Lease) -> None:
    done: list[str] = []
    assert lease.hold("evt_1", work_noted_in(done)) is True
    assert lease.hold("evt_1", work_noted_in(done)) is False
    assert done == ["work"]


def test_each_key_is_a_lease_of_its_own(lease: Lease) -> None:
    done: list[str] = []
    assert lease.hold("evt_1", work_noted_in(done, "first"))
    assert lease.hold("evt_2", work_noted_in(done, "second"))
    assert done == ["first", "second"]


def test_who_comes_while_it_is_held_is_told_to_try_again(lease: Lease) -> None:
    done: list[str] = []

    def work() -> None:
        with pytest.raises(TryAgain):
            lease.hold("evt_1", work_noted_in(done, "second"))
        done.append("first")

    assert lease.hold("evt_1", work)
    assert done == ["first"]


@pytest.mark.parametrize("error", [NotYetKnown("no row"), KeyError("a bug")])
def test_an_error_passes_through_and_releases(lease: Lease, error: Exception) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        lease.hold("evt_1", fails)
    assert raised.value is error
    done: list[str] = []
    assert lease.hold("evt_1", work_noted_in(done))
    assert done == ["work"]


# --- Powertools' own ------------------------------------------------------------------------------


def records(place: Place, table: str) -> list[Any]:
    return list(place.client("dynamodb").scan(TableName=table)["Items"])


def test_a_killed_holder_keeps_its_lease_no_longer_than_it_could_run(moto: Place) -> None:
    table = moto.table("id")

    def killed() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        powertools_lease(moto, table).hold("evt_1", killed)
    (record,) = records(moto, table)
    assert record["status"] == {"S": "INPROGRESS"}
    assert record["id"]["S"].startswith("apply_event#")
    ends_at = int(record["in_progress_expiration"]["N"]) / 1000
    assert 40 < ends_at - time.time() <= 50
    moto.client("dynamodb").update_item(
        TableName=table,
        Key={"id": record["id"]},
        UpdateExpression="SET in_progress_expiration = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    assert powertools_lease(moto, table).hold("evt_1", lambda: None)


def test_a_lease_expires_with_the_visibility_timeout(moto: Place) -> None:
    table = moto.table("id")
    powertools_lease(moto, table, lease_seconds=-1).hold("evt_1", lambda: None)
    done: list[str] = []
    assert powertools_lease(moto, table).hold("evt_1", work_noted_in(done))
    assert done == ["work"]


def refusing(code: str) -> Callable[..., None]:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutItem")

    return refuse


class Failing:
    """A DynamoDB client of which one call is refused."""

    def __init__(self, place: Place, call: str, code: str) -> None:
        self._client = place.client("dynamodb")
        self._call = call
        self._code = code
        self.meta = SimpleNamespace(events=self._client.meta.events)

    def __getattr__(self, name: str) -> Any:
        return refusing(self._code) if name == self._call else getattr(self._client, name)


def failing_lease(place: Place, call: str, code: str = "ThrottlingException") -> PowertoolsLease:
    client: Any = Failing(place, call, code)
    lease = PowertoolsLease(
        client, idempotency_table=place.table("id"), key_prefix="apply_event", lease_seconds=360
    )
    context: Any = Invocation()
    lease.register_lambda_context(context)
    return lease


def test_a_throttled_lease_is_try_again_and_nothing_is_done(moto: Place) -> None:
    done: list[str] = []
    with pytest.raises(TryAgain):
        failing_lease(moto, "put_item").hold("evt_1", work_noted_in(done))
    assert done == []


def test_a_forbidden_lease_is_a_mistake_of_ours(moto: Place) -> None:
    with pytest.raises(Exception, match="AccessDenied") as raised:
        failing_lease(moto, "put_item", "AccessDenied").hold("evt_1", lambda: None)
    assert not isinstance(raised.value, TryAgain)


def test_work_that_is_done_stays_done_when_its_note_fails(moto: Place) -> None:
    """The ledger has the truth; the lease expires."""
    done: list[str] = []
    assert failing_lease(moto, "update_item").hold("evt_1", work_noted_in(done)) is True
    assert done == ["work"]


def test_the_works_own_error_counts_when_the_release_fails(moto: Place) -> None:
    def fails() -> None:
        raise NotYetKnown("no row")

    with pytest.raises(NotYetKnown):
        failing_lease(moto, "delete_item").hold("evt_1", fails)


def test_a_lease_needs_a_key(moto: Place) -> None:
    with pytest.raises(Exception, match="idempotency_key"):
        powertools_lease(moto, moto.table("id")).hold("", lambda: None)
