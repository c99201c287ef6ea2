"""A sweep's progress over the fake, moto and the local cloud; its events at the stand-in Stripe."""

import json
from collections.abc import Sequence

import httpx
import pytest
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.dynamodb_sweeps import DynamoDbSweeps
from paidonce.adapters.sqs_references import SqsReferences
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_events import StripeEventList
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.references import Reference
from paidonce.use_cases.sweep_ports import ListedEvent, Sweeps

from tests.adapters.canned import Canned
from tests.adapters.places import Place
from tests.adapters.stand_in import at_the_stand_in
from tests.adapters.stripe_bench import Bench, before_canned_stripe, refusal
from tests.examples import a_payload, an_intent
from tests.fakes import FakeClock, FakeCounter
from tests.fakes_rotation import FakeSweeps

WANTED = Sweep(window_from=100, window_to=200, types="t", fresh_from=150, asked_at=300)


@pytest.fixture
def sweeps(place: Place | None) -> Sweeps:
    if place is None:
        return FakeSweeps()
    return DynamoDbSweeps(
        place.client("dynamodb"), payments_table=place.table("id"), name="retirement"
    )


def test_nothing_stands_before_it_is_asked_for(sweeps: Sweeps) -> None:
    assert sweeps.standing() is None


def test_what_is_saved_is_read_again(sweeps: Sweeps) -> None:
    saved = sweeps.save(WANTED, over=None)
    assert sweeps.standing() == saved
    further = sweeps.save(saved.advanced(reached=150), over=saved)
    assert sweeps.standing() == further
    done = sweeps.save(further.group_done(groups=1, at=300), over=further)
    standing = sweeps.standing()
    assert standing == done
    assert standing is not None
    assert standing.covers(100, 200)
    assert not standing.covers(99, 200)


def test_whoever_read_an_older_version_writes_nothing(sweeps: Sweeps) -> None:
    saved = sweeps.save(WANTED, over=None)
    sweeps.save(saved.advanced(reached=150), over=saved)
    with pytest.raises(ChangedMeanwhile):
        sweeps.save(saved.advanced(reached=120), over=saved)
    with pytest.raises(ChangedMeanwhile):
        sweeps.save(WANTED, over=None)


# --- Stripe's list ------------------------------------------------------------------------------


def a_minute() -> float:
    return 60.0


def event_list(calls: StripeCalls) -> StripeEventList:
    clock = SystemClock()
    budget = Budget(FakeCounter(), clock, use="reconcile", per_second=1000)
    return StripeEventList(calls, budget=budget, clock=clock, timeout_seconds=8)


def listed(
    events: StripeEventList,
    types: Sequence[str],
    *,
    after: str | None = None,
    only_undelivered: bool = False,
) -> list[ListedEvent]:
    page = events.page(
        types=types,
        created_from=0,
        created_to=2**31,
        after=after,
        only_undelivered=only_undelivered,
        time_left=a_minute,
    )
    return list(page.events)


def test_events_are_listed_by_type_newest_first_and_page_by_page() -> None:
    with at_the_stand_in() as (calls, key, url):
        owner = {"Authorization": f"Bearer {key.text}"}
        for name in ("a", "b", "c"):
            form = {"description": name}
            httpx.post(f"{url}/v1/customers", data=form, headers=owner).raise_for_status()
        events = event_list(calls)
        found = listed(events, ["customer.created"])
        assert len(found) == 3
        assert {one.type for one in found} == {"customer.created"}
        assert not any(one.livemode for one in found)
        assert listed(events, ["customer.created"], after=found[0].id) == found[1:]
        assert listed(events, ["customer.deleted"]) == []
        early = events.page(
            types=["customer.created"],
            created_from=0,
            created_to=found[-1].created - 1,
            after=None,
            only_undelivered=False,
            time_left=a_minute,
        )
        assert (early.events, early.has_more) == ((), False)


def test_what_no_endpoint_accepted_can_be_listed_alone() -> None:
    with at_the_stand_in() as (calls, key, url):
        owner = {"Authorization": f"Bearer {key.text}"}

        def make(path: str, **form: str) -> None:
            httpx.post(f"{url}/v1/{path}", data=form, headers=owner).raise_for_status()

        events = event_list(calls)
        make("customers", description="nobody is to be told")
        assert listed(events, ["customer.created"], only_undelivered=True) == []
        # Nothing listens on port 9.
        everything = {"enabled_events[0]": "*"}
        make("webhook_endpoints", url="http://127.0.0.1:9/webhooks", **everything)
        make("customers", description="nobody can be told")
        undelivered = listed(events, ["customer.created"], only_undelivered=True)
        assert undelivered == listed(events, ["customer.created"])[:1]


def test_it_waits_for_its_share_and_gives_up_with_the_time() -> None:
    with before_canned_stripe() as bench:
        clock = FakeClock()
        budget = Budget(FakeCounter(), clock, use="reconcile", per_second=0)
        events = StripeEventList(bench.calls, budget=budget, clock=clock, timeout_seconds=8)
        with pytest.raises(TryAgain, match="share"):
            events.page(
                types=["x"],
                created_from=0,
                created_to=1,
                after=None,
                only_undelivered=False,
                time_left=clock.time_left(10),
            )
        assert sum(clock.pauses) < 10
        assert bench.server.asked == []


def test_no_usable_answer_is_asked_for_in_the_next_run() -> None:
    with before_canned_stripe() as bench:
        bench.server.answers = [refusal(500)]
        with pytest.raises(TryAgain):
            listed(_of(bench), ["x"])


def test_a_listed_event_is_correlated_as_the_receiver_does_it() -> None:
    """So what the sweep finds is under the id of the request that led to it."""
    marked = an_intent()
    marked["metadata"] |= {"paidonce_correlation": "cor-1"}
    documents = [a_payload(found=marked), a_payload(event_id="evt_2")]
    with before_canned_stripe() as bench:
        bench.server.answers = [
            Canned(body={"object": "list", "data": documents, "has_more": False})
        ]
        found = listed(_of(bench), ["payment_intent.succeeded"])
    assert [one.correlation_id for one in found] == ["cor-1", "evt_2"]


def _of(bench: Bench) -> StripeEventList:
    budget = Budget(bench.counter, bench.clock, use="reconcile", per_second=15)
    return StripeEventList(bench.calls, budget=budget, clock=bench.clock, timeout_seconds=8)


# --- the queue ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "body", "attributes"),
    [
        (
            Reference(name="evt_1", event_type="t.x", livemode=False, correlation_id="c"),
            {"kind": "event", "schema": 1, "id": "evt_1"},
            {"event_id": "evt_1", "event_type": "t.x", "livemode": "false"},
        ),
        (
            Reference(name="read#pi_1#7", event_type="reading", livemode=True, correlation_id="c"),
            {"kind": "read", "schema": 1, "object": "pi_1", "as_of": 7},
            {"event_id": "read#pi_1#7", "event_type": "reading", "livemode": "true"},
        ),
        (
            Reference(
                name="evt_1",
                event_type="t.x",
                livemode=False,
                correlation_id="c",
                replay_id="r-1",
                is_forced=True,
            ),
            {"kind": "event", "schema": 1, "id": "evt_1"},
            {
                "event_id": "evt_1",
                "event_type": "t.x",
                "livemode": "false",
                "replay_id": "r-1",
                "replay_force": "true",
            },
        ),
    ],
)
def test_ids_alone_are_queued(
    moto: Place, reference: Reference, body: object, attributes: dict[str, str]
) -> None:
    sqs, url = moto.client("sqs"), moto.queue()
    SqsReferences(sqs, queue_url=url, clock=FakeClock()).send(reference)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == body
    found = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    received = {"correlation_id": "c", "received_at": "2027-01-15T08:00:00.000Z"}
    assert found == attributes | received


@pytest.mark.parametrize("name", ["answer#pay_1_a1", "pi_1", '{"id": "evt_1"}', ""])
def test_what_is_no_name_of_an_event_or_reading_is_refused(moto: Place, name: str) -> None:
    queue = SqsReferences(moto.client("sqs"), queue_url=moto.queue(), clock=FakeClock())
    with pytest.raises(ValueError, match="no event and no reading"):
        queue.send(Reference(name=name, event_type="t", livemode=False, correlation_id="c"))
