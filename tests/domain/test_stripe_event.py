"""Reading a payload, once, at the border."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.stripe_event import StripeEvent
from paidonce.domain.upcasting import upcast

OLD_PAYLOADS = sorted((Path(__file__).parent.parent / "events" / "stripe-old").glob("*.json"))
LEAST = {"id": "evt_1", "type": "a.b", "created": 1}

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def event(**changes: Any) -> StripeEvent:
    return StripeEvent.parse(json.dumps(LEAST | changes))


def test_a_snapshot_event_is_read_whole() -> None:
    found = event(
        livemode=True,
        account="acct_1",
        api_version="2026-10-28.endive",
        data={"object": {"id": "pi_1", "amount": 5}},
        request={"id": "req_1", "idempotency_key": "k"},
    )
    assert found == StripeEvent(
        id="evt_1",
        type="a.b",
        created=1,
        livemode=True,
        account="acct_1",
        api_version="2026-10-28.endive",
        object={"id": "pi_1", "amount": 5},
        request_id="req_1",
    )
    assert found.object_id == "pi_1"


def test_id_type_and_created_are_all_that_an_event_must_have() -> None:
    found = event()
    assert (found.object, found.object_id, found.account, found.request_id) == (
        {},
        None,
        None,
        None,
    )
    assert found.livemode is False


THIN = {
    "object": "v2.core.event",
    "type": "v1.customer.updated",
    "created": "2026-11-22T11:24:00.123Z",
    "related_object": {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"},
}


def test_a_thin_event_names_its_object_and_has_the_type_of_a_whole_one() -> None:
    found = event(**THIN, context="acct_1")
    assert (found.type, found.is_thin, found.account) == ("customer.updated", True, "acct_1")
    assert found.object == {"id": "cus_1", "object": "customer"}
    assert event(**THIN, context="org_1/acct_2").account == "acct_2"
    assert event(**THIN).account is None


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "v2.core.account.updated"},
        {"object": "event"},
        {"related_object": None},
        {"related_object": {"id": 5, "type": "customer"}},
        {"related_object": {"id": "cus_1", "type": None}},
    ],
)
def test_what_names_no_object_of_v1_is_left_as_it_is(changes: dict[str, Any]) -> None:
    found = event(**THIN | changes)
    assert (found.is_thin, found.object) == (False, {})
    assert found.type == (THIN | changes)["type"]


def test_a_thin_event_writes_its_moment_in_iso_8601() -> None:
    assert event(created="2026-11-22T11:24:00.123Z").created == 1_795_346_640


def test_before_2017_the_request_was_its_id() -> None:
    assert event(request="req_1").request_id == "req_1"


def test_before_2017_the_account_was_a_user() -> None:
    assert event(user_id="acct_1").account == "acct_1"
    assert event(user_id="acct_1", account="acct_2").account == "acct_2"


@pytest.mark.parametrize("value", [None, 5, "", "a b", "a\n", "é", "e" * 256, [], {}])
@pytest.mark.parametrize("name", ["id", "type"])
def test_an_unusable_id_or_type_is_refused_without_repeating_it(name: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=f"^the event has no usable {name}$"):
        event(**{name: value})


@pytest.mark.parametrize("value", [None, True, 1.5, "", "yesterday", [], {}])
def test_an_unusable_created_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest):
        event(created=value)


@pytest.mark.parametrize("value", [1, "true", None, "yes"])
def test_only_true_is_live(value: object) -> None:
    assert event(livemode=value).livemode is False


@pytest.mark.parametrize("name", ["account", "api_version"])
@pytest.mark.parametrize("value", ["", "a b", 5, {}, "x" * 256])
def test_an_unusable_word_that_may_be_absent_is_absent(name: str, value: object) -> None:
    assert getattr(event(**{name: value}), name) is None


@settings(max_examples=30)
@given(ANY_JSON)
def test_no_json_crashes_it(document: object) -> None:
    with pytest.raises(InvalidRequest):  # nothing generated here has all three fields
        StripeEvent.parse(json.dumps(document))


@settings(max_examples=30)
@given(
    st.fixed_dictionaries(
        {"id": st.just("evt_1"), "type": st.just("a.b"), "created": ANY_JSON},
        optional=dict.fromkeys(("data", "request", "account", "livemode"), ANY_JSON),
    )
)
def test_no_event_crashes_it(document: dict[str, object]) -> None:
    try:
        found = StripeEvent.parse(json.dumps(document))
    except InvalidRequest:
        return
    assert found.id == "evt_1"


@given(st.datetimes().map(str) | st.text())
def test_no_moment_crashes_it(created: str) -> None:
    try:
        found = event(created=created)
    except InvalidRequest:
        return
    assert type(found.created) is int


@given(st.binary())
def test_no_bytes_crash_it(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        StripeEvent.parse(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(InvalidRequest):
        StripeEvent.parse(opening * 100_000)


@pytest.mark.parametrize("path", OLD_PAYLOADS, ids=lambda path: path.stem)
def test_payloads_of_old_api_versions_are_read(path: Path) -> None:
    document = json.loads(path.read_bytes())
    found = StripeEvent.parse(path.read_bytes())
    assert (found.id, found.type, found.created) == (
        document["id"],
        document["type"],
        document["created"],
    )
    assert found.object == upcast(document["data"]["object"])
