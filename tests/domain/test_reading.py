"""A reading has one name in the ledger, however often its message comes."""

import json

from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.reading import Reading

ids = st.from_regex(r"\A(pi|re|dp|sub|issfr)_[A-Za-z0-9]{1,40}\Z")


@given(object_id=ids, as_of=st.integers(0, 4_000_000_000))
def test_message_and_name_say_the_same_reading(object_id: str, as_of: int) -> None:
    reading = Reading(object_id=object_id, as_of=as_of)
    assert Reading.of_message(json.loads(reading.message()), sent_at=1) == reading
    assert Reading.of_name(reading.name) == reading


def test_without_a_moment_it_is_of_when_it_was_sent() -> None:
    asked = Reading.of_message({"kind": "read", "object": "pi_1"}, sent_at=7)
    assert asked == Reading(object_id="pi_1", as_of=7)


def test_what_is_no_reading_is_none() -> None:
    for document in (
        {},
        {"object": 5},
        {"object": "../v1/charges"},
        {"object": "pi_1", "as_of": "x"},
    ):
        assert Reading.of_message(document, sent_at=1) is None
    for name in ("evt_1", "answer#pay_1_a1", "read#pi_1", "read#pi_1#x", "read##1"):
        assert Reading.of_name(name) is None
