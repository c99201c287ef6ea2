"""One customer for each user, whatever is asked how often, and wherever a process dies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, RLock
from typing import Any

import pytest
from paidonce.domain.caller import Caller
from paidonce.domain.customer import Customer, CustomerRequest, begun
from paidonce.domain.errors import (
    ChangedMeanwhile,
    FailureStored,
    Forbidden,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    StripeRefused,
)
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.make_customer import MadeCustomer, MakeCustomer, customer_seen_by
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

from tests.use_cases.a_shop import DEADLINE_SECONDS, Shop
from tests.use_cases.test_take_payment_crashes import Between, Crash, Dying

PORTS = ("key", "requests", "billing_gateway", "books")


def a_caller(name: str = "anna", *scopes: str) -> Caller:
    return Caller(
        issuer="https://issuer.test",
        subject=name,
        user_id=name,
        scopes=frozenset({"customers:write", *scopes}),
    )


def a_request(key: str = "key-1", **changes: Any) -> CustomerRequest:
    values: dict[str, Any] = {
        "caller": a_caller(),
        "idempotency_key": key,
        "user_id": "anna",
        "email": "anna@shop.test",
    } | changes
    body = str([values.get(name) for name in ("user_id", "email", "name")])
    return CustomerRequest(**({"body_hash": body} | values))


def make(shop: Shop, request: CustomerRequest) -> MadeCustomer:
    verb = MakeCustomer(carry_out=shop.carry_out, check_key=shop.key.read)
    time_left = shop.clock.time_left(DEADLINE_SECONDS)
    return verb(request, correlation_id="corr-1", time_left=time_left)


def customers(shop: Shop) -> list[dict[str, Any]]:
    return [o for o in shop.stripe.objects.values() if o["object"] == "customer"]


def assert_one_of_each(shop: Shop) -> None:
    (at_stripe,) = customers(shop)
    (row,) = [o for o in shop.tables.others.values() if isinstance(o, Customer)]
    assert (row.id, row.user_id) == (at_stripe["id"], "anna")
    assert list(shop.tables.rows) == [f"answer#{shop.billing_gateway.keys[0]}"]
    assert list(shop.tables.claims) == ["user#anna"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_customer_is_recorded_made_and_noted(shop: Shop) -> None:
    made = make(shop, a_request(name="Anna"))
    (at_stripe,) = customers(shop)
    assert made.how is Ended.MADE
    assert made.customer is not None
    assert (made.customer.email, made.customer.name) == ("anna@shop.test", "Anna")
    assert shop.billing_gateway.keys == ["cus_test_anna_a1"]
    marks = at_stripe["metadata"]
    assert (marks["paidonce_stage"], marks["paidonce_user"]) == ("test", "anna")
    (row,) = shop.tables.rows.values()
    assert (row.aggregate_id, row.correlation_id) == (at_stripe["id"], "corr-1")
    assert_one_of_each(shop)


def test_the_same_key_is_answered_from_the_rows(shop: Shop) -> None:
    first = make(shop, a_request())
    again = make(shop, a_request())
    assert (again.how, again.customer) == (Ended.REPEATED, first.customer)
    assert len(shop.billing_gateway.keys) == 1


def test_another_key_of_the_same_user_finds_the_same_customer(shop: Shop) -> None:
    first = make(shop, a_request("key-1"))
    other = make(shop, a_request("key-2", email="other@shop.test"))
    assert (other.how, other.customer) == (Ended.SAME_USER, first.customer)
    assert_one_of_each(shop)


def test_in_the_place_of_a_deleted_customer_another_key_makes_a_new_one(shop: Shop) -> None:
    gone = make(shop, a_request("key-1")).customer
    assert gone is not None
    shop.tables.put(gone.gone().written(at="then"))
    with pytest.raises(NotFound):
        customer_seen_by(a_caller(), gone.gone())
    again = make(shop, a_request("key-2"))
    assert again.how is Ended.MADE
    assert again.customer is not None
    assert again.customer.id != gone.id
    assert shop.billing_gateway.keys == ["cus_test_anna_a1", "cus_test_anna_a2"]
    # From then on every key finds the new one, also that of the first.
    for key in ("key-1", "key-2", "key-3"):
        found = make(shop, a_request(key))
        assert found.customer == again.customer


def test_a_new_customer_is_told_of_once_whoever_comes_first(shop: Shop) -> None:
    made = make(shop, a_request()).customer
    assert made is not None
    ((told,),) = [row.domain_events for row in shop.tables.rows.values()]
    assert (told.id, told.type) == (f"{made.id}.1.customer.changed", "customer.changed")
    assert told.object == made.view()
    # Where an event has made the row already, it was told of then.
    other = Shop()
    other.books.faults.before(
        "commit", lambda: other.tables.put(made_by_an_event(other, customers(other)[0]))
    )
    assert make(other, a_request()).customer is not None
    assert [row.domain_events for row in other.tables.rows.values()] == [()]


def made_by_an_event(shop: Shop, found: dict[str, Any]) -> Customer:
    at = str(shop.clock.now())
    return begun(found, at).shown(found).written(at=at)


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    make(shop, a_request())
    with pytest.raises(IdempotencyConflict):
        make(shop, a_request(email="other@shop.test"))


def test_for_another_user_one_needs_the_scope(shop: Shop) -> None:
    with pytest.raises(Forbidden):
        make(shop, a_request(caller=a_caller("bert")))
    assert not shop.tables.others
    server = a_caller("server", "customers:any")
    assert make(shop, a_request(caller=server)).how is Ended.MADE


@pytest.mark.parametrize("user", ["anna@shop.test", "x" * 255, "a#b", "_a1"])
def test_a_user_id_that_is_no_plain_word_is_hashed_in_stripes_key(shop: Shop, user: str) -> None:
    """Keys are logged, and 255 characters long at most."""
    make(shop, a_request(user_id=user, caller=a_caller("server", "customers:any")))
    (key,) = shop.billing_gateway.keys
    assert len(key) < 255
    assert key.startswith("cus_test_")
    assert user in key if user == "_a1" else user not in key


def test_an_unknown_outcome_is_said_and_a_repeat_ends_it(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert make(shop, a_request()) == MadeCustomer(customer=None, how=Ended.NOT_KNOWN_YET)
    assert shop.telemetry.counts["RequestsOutcomeUnknown"] == 1
    other = make(shop, a_request("key-2"))
    assert (other.how, other.customer is None) == (Ended.SAME_USER, False)
    assert_one_of_each(shop)


def test_what_stripe_calls_wrong_gives_way_to_a_corrected_request(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send", StripeRefused("no", stripe_code="email_invalid"))
    with pytest.raises(StripeRefused):
        make(shop, a_request("key-1", email="a@b.c"))
    made = make(shop, a_request("key-2"))
    assert made.how is Ended.MADE
    assert shop.billing_gateway.keys == ["cus_test_anna_a2"]
    # The refused request finds what took its place.
    assert make(shop, a_request("key-1", email="a@b.c")).how is Ended.SAME_USER
    assert_one_of_each(shop)


def test_a_refused_request_may_be_sent_again_and_gets_a_key_of_its_own(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send", StripeRefused("no"))
    with pytest.raises(StripeRefused):
        make(shop, a_request())
    assert make(shop, a_request()).how is Ended.MADE
    assert shop.billing_gateway.keys == ["cus_test_anna_a2"]
    assert customers(shop)[0]["metadata"]["paidonce_attempt"] == "2"


def test_a_key_that_stripe_has_forgotten_is_replaced_by_what_its_list_shows(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    make(shop, a_request())
    shop.clock.advance(KEY_IS_FRESH_SECONDS)
    shop.stripe.made.clear()
    assert make(shop, a_request()).how is Ended.MADE
    assert_one_of_each(shop)


def test_after_proof_that_nothing_was_made_the_next_attempt_is(shop: Shop) -> None:
    """A stored failure is given again for its key, so another is needed; proof takes 15 minutes."""
    shop.billing_gateway.faults.plan("send", FailureStored("500"))
    assert make(shop, a_request()).how is Ended.NOT_KNOWN_YET
    assert make(shop, a_request()).how is Ended.NOT_KNOWN_YET
    assert not shop.billing_gateway.keys
    shop.clock.advance(15 * 60)
    assert make(shop, a_request()).how is Ended.MADE
    assert shop.billing_gateway.keys == ["cus_test_anna_a2"]


def test_a_webhook_that_was_faster_keeps_its_row(shop: Shop) -> None:
    def tell() -> None:
        (at_stripe,) = customers(shop)
        shop.tables.put(
            Customer(
                id=at_stripe["id"], user_id="anna", name="newer", created_at="x", updated_at="x"
            )
        )

    shop.books.faults.before("commit", tell)
    made = make(shop, a_request())
    assert made.customer is not None
    assert made.customer.name == "newer"


def test_after_five_conflicts_the_outcome_is_not_known_yet(shop: Shop) -> None:
    shop.books.faults.plan("commit", *[ChangedMeanwhile("row")] * 5)
    assert make(shop, a_request()).how is Ended.NOT_KNOWN_YET
    assert make(shop, a_request()).how is Ended.MADE
    assert_one_of_each(shop)


@pytest.mark.parametrize(
    "error", [KeyRefused("401", http_status=401), NotConfigured("gone meanwhile")]
)
def test_a_key_that_is_refused_leaves_the_request_open(shop: Shop, error: Exception) -> None:
    shop.billing_gateway.faults.plan("send", error)
    with pytest.raises(type(error)):
        make(shop, a_request())
    assert make(shop, a_request()).how is Ended.MADE


def test_a_stage_without_a_key_records_nothing(shop: Shop) -> None:
    shop.key.faults.plan("read_key", NotConfigured("keys/payments"))
    with pytest.raises(NotConfigured):
        make(shop, a_request())
    assert not shop.tables.others


# --- crashes and clicks ---------------------------------------------------------------------------


def put_between(shop: Shop, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Shop:
    """The same world, seen through `around`, as a new process sees it."""
    seen = Shop(clock=shop.clock, tables=shop.tables, telemetry=shop.telemetry)
    for name in PORTS:
        setattr(seen, name, Between(getattr(shop, name), around))
    return seen


def calls_of_a_whole_run() -> int:
    counting = Dying(at=-1, after=False)
    make(put_between(Shop(), counting.around), a_request())
    return counting.calls


CALLS = calls_of_a_whole_run()


def test_a_run_asks_each_port() -> None:
    """Key, record, try, Stripe, note, show: what the crashes below go through."""
    assert CALLS == 6


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
@pytest.mark.parametrize("key", ["key-1", "key-2"], ids=["same key", "another key"])
def test_after_a_crash_at_any_call_the_next_request_ends_it(at: int, after: bool, key: str) -> None:  # noqa: FBT001 - pytest gives it by name
    shop = Shop()
    with pytest.raises(Crash):
        make(put_between(shop, Dying(at=at, after=after).around), a_request("key-1"))
    made = make(put_between(shop, Dying(at=-1, after=False).around), a_request(key))
    assert made.customer is not None
    assert_one_of_each(shop)


@pytest.mark.parametrize("keys", [["key-1"] * 4, ["key-1", "key-2", "key-3", "key-4"]])
def test_clicks_at_once_make_one_customer(keys: list[str]) -> None:
    for _ in range(10):
        shop = Shop()
        found = clicked_at_once(shop, keys)
        assert len({made.customer and made.customer.id for made in found}) == 1
        assert Ended.NOT_KNOWN_YET not in {made.how for made in found}
        assert_one_of_each(shop)


def clicked_at_once(shop: Shop, keys: list[str]) -> list[MadeCustomer]:
    """Each key's request in a thread; a single call is atomic, as DynamoDB's and Stripe's are."""
    lock, together = RLock(), Barrier(len(keys))

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with lock:
                return call(*args, **named)

        return called

    def click(key: str) -> MadeCustomer:
        seen = put_between(shop, around)
        together.wait()
        return make(seen, a_request(key))

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(click, keys))
