"""Objects of older API versions, read in today's shape."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.stripe_event import StripeEvent
from paidonce.domain.upcasting import upcast

EVENTS = Path(__file__).parent.parent / "events"
OF_TODAY = sorted((EVENTS / "stripe").glob("*.json"))
OLD = sorted((EVENTS / "stripe-old").glob("*.json"))

KINDS = ("charge", "customer", "invoice", "payment_intent", "setup_intent", "subscription")
FIELDS = [
    *("status", "charges", "latest_charge", "refunds", "paid", "closed", "forgiven", "attempted"),
    *("date", "created", "parent", "subscription", "subscription_details", "lines", "items"),
    "current_period_end",
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["paid", "requires_source", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "id", "plan", "price", "created", "type", "metadata"]), inner
        )
    ),
    max_leaves=8,
)
ANY_OBJECT = st.fixed_dictionaries(
    {"object": st.sampled_from(KINDS)}, optional=dict.fromkeys(FIELDS, ANY_JSON)
)


def old(name: str) -> dict[str, Any]:
    """The object of an old event, as a rule sees it."""
    return dict(StripeEvent.parse((EVENTS / "stripe-old" / f"{name}.json").read_bytes()).object)


@settings(max_examples=30)
@given(ANY_OBJECT)
def test_any_object_is_cast_once_and_left_as_it_was(found: dict[str, Any]) -> None:
    before = copy.deepcopy(found)
    once = upcast(found)
    assert found == before
    assert upcast(once) is once


@pytest.mark.parametrize("path", OF_TODAY, ids=lambda path: path.stem)
def test_todays_shape_is_left_alone(path: Path) -> None:
    found = json.loads(path.read_bytes())["data"]["object"]
    assert upcast(found) is found


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_old_shapes_are_cast_once(path: Path) -> None:
    once = upcast(json.loads(path.read_bytes())["data"]["object"])
    assert upcast(once) is once


@pytest.mark.parametrize("value", [None, 5, [], {"a": 1}])
def test_an_object_of_no_kind_is_left_alone(value: object) -> None:
    found = {"object": value, "status": "requires_source"}
    assert upcast(found) is found


def test_an_intent_s_charges_become_its_latest_one() -> None:
    """Until 2022-11-15 an intent carried them all."""
    assert old("payment_intent.succeeded")["latest_charge"] == "ch_000000000000000000000000"
    assert old("payment_intent.processing")["latest_charge"] == "ch_00000000000000"
    charges = {"data": [{"id": f"ch_{n}", "created": n} for n in (2, 3, 1)]}
    found = upcast({"object": "payment_intent", "charges": charges})
    assert found["latest_charge"] == "ch_3"
    assert upcast({"object": "payment_intent", "charges": {}})["latest_charge"] is None


@pytest.mark.parametrize("kind", ["payment_intent", "setup_intent"])
def test_an_intent_waited_for_a_source_before_2019(kind: str) -> None:
    for was, is_now in (
        ("requires_source", "requires_payment_method"),
        ("requires_source_action", "requires_action"),
        ("succeeded", "succeeded"),
    ):
        assert upcast({"object": kind, "status": was})["status"] == is_now


def test_a_charge_s_refunds_were_a_plain_array_once() -> None:
    found = upcast({"object": "charge", "status": "paid", "refunds": [{"id": "re_1"}]})
    assert found["status"] == "succeeded"
    assert found["refunds"] == {"object": "list", "data": [{"id": "re_1"}], "has_more": False}


def test_an_invoice_names_its_subscription_in_its_parent() -> None:
    details = old("invoice.created")["parent"]["subscription_details"]
    assert details == {"subscription": "sub_000000000000000000000000", "metadata": {}}
    assert old("invoice.paid")["parent"] is None


def test_a_subscription_s_marks_are_found_in_its_invoice() -> None:
    """In `subscription_details` since 2023-08-16, before that in the invoice's lines."""
    marks = {"paidonce_stage": "test"}
    line = {"object": "line_item", "type": "subscription", "metadata": marks}
    for found in (
        {"subscription_details": {"metadata": marks}},
        {"lines": {"data": [{"type": "invoiceitem", "metadata": {}}, line]}},
    ):
        cast = upcast({"object": "invoice", "subscription": "sub_1", **found})
        assert cast["parent"]["subscription_details"]["metadata"] == marks


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({"paid": False, "closed": False, "attempted": False}, "draft"),
        ({"paid": False, "closed": False, "attempted": True}, "open"),
        ({"paid": False, "closed": True, "attempted": False}, "open"),
        ({"paid": False, "closed": True, "forgiven": True, "attempted": True}, "uncollectible"),
        ({"paid": True, "closed": True, "attempted": True}, "paid"),
    ],
)
def test_an_invoice_had_three_flags_before_it_had_a_status(
    flags: dict[str, bool], status: str
) -> None:
    assert upcast({"object": "invoice", **flags})["status"] == status


def test_a_period_belongs_to_an_item() -> None:
    """Until 2025-03-31 it was the subscription's."""
    (item,) = old("customer.subscription.updated")["items"]["data"]
    assert (item["current_period_start"], item["current_period_end"]) == (1648320105, 1650998505)
    own = {"id": "si_1", "price": {}, "current_period_start": 1, "current_period_end": 2}
    found = {"object": "subscription", "current_period_end": 9, "items": {"data": [own]}}
    assert upcast(found) is found


def test_a_plan_is_a_price() -> None:
    item, *_ = old("customer.subscription.trial_will_end")["items"]["data"]
    assert item["price"] == {"id": "fkx0AFo_00000000000000", "object": "price"}
    assert item["current_period_end"] == 1383759023
