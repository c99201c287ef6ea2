"""Answers that are given again: a store and a lock, in memory, on moto and on the local cloud."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from paidonce.adapters.api.idempotent import (
    StoredAnswers,
    Work,
    kept_of_answer,
    kept_of_refusal,
)
from paidonce.adapters.http import status_of
from paidonce.domain import errors
from paidonce.domain.errors import (
    IdempotencyConflict,
    IdempotencyInProgress,
    NotFound,
    OutcomeUnknown,
    TryAgain,
)

from tests.adapters.places import Place
from tests.fakes_answers import stored_answers_in_memory
from tests.fakes_telemetry import FakeTelemetry

REMAINING_MS = 28_000
MADE = {"payment": {"id": "pay_1"}, "client_secret": "pi_1_secret_x"}
KEPT = {"status": 201, "body": {"payment": {"id": "pay_1"}}, "left_out": ["client_secret"]}


class Invocation:
    """Of the exchange, what the store uses: a context, and telemetry."""

    def __init__(self, remaining_ms: int = REMAINING_MS) -> None:
        self.telemetry = FakeTelemetry()
        self.services = SimpleNamespace(telemetry=self.telemetry)
        self.request_id = "req-1"
        self.context = SimpleNamespace(get_remaining_time_in_millis=lambda: remaining_ms)


def in_table(place: Place, table: str, *, kept_seconds: int = 86_400) -> StoredAnswers:
    client = place.client("dynamodb")
    return StoredAnswers.in_table(client, idempotency_table=table, kept_seconds=kept_seconds)


@pytest.fixture
def stored(place: Place | None) -> StoredAnswers:
    return stored_answers_in_memory() if place is None else in_table(place, place.table("id"))


def answering(status: int = 201, body: Any = None) -> Work:
    return Work(lambda: Response(status_code=status, body=MADE if body is None else body))


def raising(error: BaseException) -> Work:
    def fails() -> Response[Any]:
        raise error

    return Work(fails)


def asked(
    stored: StoredAnswers,
    work: Work,
    *,
    key: str = "key-1",
    content: str = "content-1",
    invocation: Invocation | None = None,
) -> Any:
    exchange: Any = invocation or Invocation()
    return stored.once(key=key, content=content, work=work, exchange=exchange)


def test_the_first_does_the_work_and_the_second_gets_what_was_stored(stored: StoredAnswers) -> None:
    first, second = answering(), answering(body={"payment": {"id": "pay_2"}})
    assert asked(stored, first) is None
    assert first.outcome().body == MADE
    assert asked(stored, second) == KEPT
    assert not second.is_done


def test_each_key_is_of_its_own(stored: StoredAnswers) -> None:
    assert asked(stored, answering()) is None
    assert asked(stored, answering(), key="key-2") is None


def test_other_content_is_a_conflict_and_nothing_is_done(stored: StoredAnswers) -> None:
    asked(stored, answering())
    work = answering()
    with pytest.raises(IdempotencyConflict):
        asked(stored, work, content="content-2")
    assert not work.is_done


def test_who_comes_meanwhile_is_told_so(stored: StoredAnswers) -> None:
    def slow() -> Response[Any]:
        with pytest.raises(IdempotencyInProgress):
            asked(stored, answering())
        with pytest.raises(IdempotencyConflict):
            asked(stored, answering(), content="content-2")
        return Response(status_code=201, body=MADE)

    assert asked(stored, Work(slow)) is None
    assert asked(stored, answering()) == KEPT


def test_of_many_at_once_one_does_the_work(stored: StoredAnswers) -> None:
    together = Barrier(12)
    done: list[int] = []

    def ask(number: int) -> str:
        def work() -> Response[Any]:
            done.append(number)
            return Response(status_code=201, body=MADE)

        together.wait()
        try:
            return "made" if asked(stored, Work(work)) is None else "again"
        except IdempotencyInProgress:
            return "in progress"

    with ThreadPoolExecutor(12) as threads:
        said = list(threads.map(ask, range(12)))
    assert len(done) == said.count("made") == 1
    assert set(said) <= {"made", "again", "in progress"}


@pytest.mark.parametrize("status", [202, 429, 500, 503])
def test_what_is_not_final_leaves_the_key_free(stored: StoredAnswers, status: int) -> None:
    unknown = answering(status)
    assert asked(stored, unknown) is None
    assert unknown.outcome().status_code == status
    assert asked(stored, answering()) is None
    assert asked(stored, answering()) == KEPT


@pytest.mark.parametrize("error", [OutcomeUnknown("away"), KeyError("a bug")])
def test_an_error_that_is_not_final_passes_through(stored: StoredAnswers, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        asked(stored, raising(error))
    assert raised.value is error
    assert asked(stored, answering()) is None


def test_a_final_refusal_is_stored(stored: StoredAnswers) -> None:
    first = raising(NotFound("There is no such payment."))
    assert asked(stored, first) is None
    with pytest.raises(NotFound):
        first.outcome()
    kept = asked(stored, answering())
    assert kept == {"status": 404, "refused": "not_found", "message": "There is no such payment."}


# --- what is stored ------------------------------------------------------------------------------


def every_error() -> list[type[errors.PaidOnceError]]:
    found: list[type[errors.PaidOnceError]] = [errors.PaidOnceError]
    for kind in found:
        found += kind.__subclasses__()
    return found


def an_error(kind: type[errors.PaidOnceError]) -> errors.PaidOnceError:
    more: dict[str, Any] = {
        errors.SlowDown: {"retry_after_seconds": 1},
        errors.KeyRefused: {"http_status": 401},
    }.get(kind, {})
    return kind("why", **more)


def is_to_be_given_again(status: int, code: str | None = None) -> bool:
    """Design 3.7."""
    return status in (200, 201, 402, 404) or (status == 409 and code == "state_conflict")


@pytest.mark.parametrize("kind", every_error())
def test_of_all_errors_402_404_and_state_conflict_are_stored(
    kind: type[errors.PaidOnceError],
) -> None:
    error = an_error(kind)
    kept = kept_of_refusal(error)
    assert (kept is not None) is is_to_be_given_again(status_of(error), error.code)
    assert kept is None or kept["status"] == status_of(error)


def test_a_bug_is_not_stored() -> None:
    assert kept_of_refusal(KeyError("a bug")) is None


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters=":/_"), max_size=12)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["payment", "refund", "id", "message", "client_secret", "url"]),
    st.none() | PLAIN | st.integers() | st.lists(PLAIN, max_size=2),
    max_size=5,
)


@given(status=st.integers(100, 599), body=DOCUMENTS)
def test_an_answer_is_stored_only_if_made_and_never_with_its_secrets(
    status: int, body: dict[str, Any]
) -> None:
    kept = kept_of_answer(status, body)
    assert (kept is not None) is (status in (200, 201))
    if kept is None:
        return
    assert kept["status"] == status
    assert [n for n in ("client_secret", "url") if kept["body"].get(n) is not None] == []
    assert kept["body"].keys() | set(kept["left_out"]) == body.keys() | set(kept["left_out"])
    assert all(body[name] == value for name, value in kept["body"].items())


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [1, inner],
    "field": lambda inner: {"inner": inner},
    "name": lambda inner: {json.dumps(inner).replace("\\", ""): 1},
    "text": json.dumps,
}
SECRETS = st.sampled_from(
    ["pi_1_secret_abc", "seti_1_secret_abc", "https://checkout.stripe.com/c/pay/cs_1", "http://x/y"]
)


@given(
    secret=SECRETS,
    wrap=st.lists(st.sampled_from(["list", "field", "name", "text"]), max_size=4),
)
def test_what_looks_like_a_secret_is_not_stored_wherever_it_stands(
    secret: str, wrap: list[str]
) -> None:
    found: Any = secret
    for how in wrap:
        found = WRAPPED[how](found)
    kept = kept_of_answer(201, {"payment": found, "client_secret": secret, "url": secret})
    assert kept is None
    assert kept_of_refusal(NotFound(f"There is no {secret}.")) is None


# --- Powertools' own ------------------------------------------------------------------------------


def records(place: Place, table: str) -> list[dict[str, Any]]:
    return list(place.client("dynamodb").scan(TableName=table)["Items"])


def test_a_record_holds_fingerprints_and_the_open_part_of_the_answer(moto: Place) -> None:
    table = moto.table("id")
    asked(in_table(moto, table), answering(), key="the key", content="the content")
    (record,) = records(moto, table)
    assert record["id"]["S"].startswith("answer#")
    assert len(record["id"]["S"]) == len("answer#") + 64
    assert json.loads(record["data"]["S"]) == KEPT
    assert not [text for text in ("the key", "the content", "_secret_") if text in str(record)]


def test_a_killed_invocation_locks_its_key_no_longer_than_it_could_run(moto: Place) -> None:
    table = moto.table("id")
    stored = in_table(moto, table)
    with pytest.raises(SystemExit):
        asked(stored, raising(SystemExit()), invocation=Invocation(remaining_ms=28_000))
    with pytest.raises(IdempotencyInProgress):
        asked(stored, answering())
    (record,) = records(moto, table)
    until_ms = int(record["in_progress_expiration"]["N"])
    assert until_ms <= int(record["expiration"]["N"]) * 1000 - 86_400_000 + 28_000 + 1_000

    with pytest.raises(SystemExit):
        asked(stored, raising(SystemExit()), key="key-2", invocation=Invocation(remaining_ms=-5))
    assert asked(stored, answering(), key="key-2") is None


def test_an_answer_is_forgotten_after_its_time(moto: Place) -> None:
    table = moto.table("id")
    asked(in_table(moto, table, kept_seconds=-1), answering())
    assert asked(in_table(moto, table), answering()) is None


def refusing(error: Exception) -> Callable[..., None]:
    def refuse(**_: object) -> None:
        raise error

    return refuse


class Failing:
    """A DynamoDB client of which one call fails."""

    def __init__(self, place: Place, call: str, error: Exception) -> None:
        self._client = place.client("dynamodb")
        self._call = call
        self._error = error
        self.meta = SimpleNamespace(events=self._client.meta.events)

    def __getattr__(self, name: str) -> Any:
        return refusing(self._error) if name == self._call else getattr(self._client, name)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutItem")


def failing(place: Place, call: str, error: Exception) -> StoredAnswers:
    client: Any = Failing(place, call, error)
    return StoredAnswers.in_table(client, idempotency_table=place.table("id"), kept_seconds=60)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("InternalServerError"),
        EndpointConnectionError(endpoint_url="dynamodb"),
    ],
)
def test_without_the_table_nothing_is_done(moto: Place, error: Exception) -> None:
    work = answering()
    with pytest.raises(TryAgain):
        asked(failing(moto, "put_item", error), work)
    assert not work.is_done


def test_a_forbidden_table_is_a_mistake_of_ours_and_nothing_is_done(moto: Place) -> None:
    work = answering()
    with pytest.raises(Exception, match="AccessDenied") as raised:
        asked(failing(moto, "put_item", client_error("AccessDenied")), work)
    assert not isinstance(raised.value, TryAgain)
    assert not work.is_done


@pytest.mark.parametrize("call", ["update_item", "delete_item"])
def test_what_is_done_is_answered_though_it_cannot_be_stored(moto: Place, call: str) -> None:
    """The rows have the truth; the lock ends with the invocation's time."""
    stored = failing(moto, call, client_error("ThrottlingException"))
    invocation = Invocation()
    work = answering(201 if call == "update_item" else 202)
    assert asked(stored, work, invocation=invocation) is None
    assert work.outcome().body == MADE
    assert invocation.telemetry.counts["AnswersNotStored"] == 1
    ((message, _, ids),) = invocation.telemetry.faults
    assert (message, ids) == ("answer not stored", {"request_id": "req-1"})


def test_the_works_own_error_counts_when_the_release_fails(moto: Place) -> None:
    stored = failing(moto, "delete_item", client_error("ThrottlingException"))
    work = raising(OutcomeUnknown("away"))
    assert asked(stored, work) is None
    with pytest.raises(OutcomeUnknown):
        work.outcome()
