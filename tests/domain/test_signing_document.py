"""The signing document: any life of it keeps what must be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.signing_document import LiveEndpoint, SigningDocument

NAMES = ("default", "connect")
PLACEHOLDER: dict[str, object] = {"based_on": None, "endpoints": []}


def endpoint(number: int, name: str = "default") -> LiveEndpoint:
    return LiveEndpoint(
        id=f"we_{number}",
        name=name,
        secret=f"wh{'sec'}_{number}",
        created="2026-11-22T11:24:00.000Z",
    )


# What happens next: a successor of one of the names at some second, or a retirement then.
LIVES = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from(["succeed", "retire"]), st.sampled_from(NAMES)),
    max_size=14,
)


def lived(life: list[tuple[int, str, str]]) -> SigningDocument:
    document = SigningDocument()
    for number, (second, what, name) in enumerate(sorted(life, key=lambda one: one[0])):
        if what == "succeed":
            new = endpoint(number, name)
            document = document.succeeded(new, retire_after=second + 100)
        else:
            gone = [one.endpoint.id for one in document.due(now=second)]
            document = document.without(*gone)
    return document


@given(LIVES, st.integers(0, 2000))
def test_the_newest_of_a_name_is_never_due_and_only_it_has_no_end(
    life: list[tuple[int, str, str]], now: int
) -> None:
    document = lived(life)
    due = {one.endpoint.id for one in document.due(now=now)}
    for name in document.names:
        newest, *others = document.live(name)
        assert newest.id not in due
        assert newest.retire_after is None
        assert all(one.retire_after for one in others)


@given(LIVES)
def test_a_name_that_once_had_an_endpoint_keeps_one(life: list[tuple[int, str, str]]) -> None:
    names = {name for _, what, name in life if what == "succeed"}
    assert set(lived(life).names) == names


@given(LIVES)
def test_what_is_written_is_read_again(life: list[tuple[int, str, str]]) -> None:
    document = lived(life).made_from("v1")
    assert SigningDocument.read(document.written()) == document


def test_an_endpoint_s_end_is_set_once() -> None:
    """A second rotation within the overlap does not give the first endpoint more time."""
    document = SigningDocument().succeeded(endpoint(1), retire_after=0)
    document = document.succeeded(endpoint(2), retire_after=100)
    document = document.succeeded(endpoint(3), retire_after=200)
    assert [one.retire_after for one in document.live("default")] == [
        None,
        "1970-01-01T00:03:20.000Z",
        "1970-01-01T00:01:40.000Z",
    ]


def test_the_placeholder_is_a_document_without_endpoints() -> None:
    assert SigningDocument.read(PLACEHOLDER) == SigningDocument()


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"endpoints": {}},
        {"endpoints": ["we_1"]},
        {"endpoints": [{"id": "we_1", "name": "default", "created": "x"}]},
        {"endpoints": [{"id": "we_1", "name": "default", "secret": "", "created": "x"}]},
    ],
)
def test_anything_else_is_an_error_that_repeats_nothing(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="signing document") as raised:
        SigningDocument.read(stored)
    assert "we_1" not in str(raised.value)


def test_a_secret_is_not_shown() -> None:
    assert "whsec" not in repr(SigningDocument(endpoints=(endpoint(1),)))
