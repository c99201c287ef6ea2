"""Idempotency keys through HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import stripe

Control = Callable[..., Any]
CARD = {"amount": "500", "currency": "usd"}
DECLINED = {**CARD, "confirm": "true", "payment_method": "pm_card_chargeDeclined"}


def post(api: httpx.Client, key: str, body: dict[str, str], path: str = "payment_intents") -> Any:
    """A POST under a key."""
    return api.post(f"/v1/{path}", data=body, headers={"Idempotency-Key": key})


def count(api: httpx.Client) -> int:
    """How many intents there are."""
    return len(api.get("/v1/payment_intents").json()["data"])


def test_the_same_request_is_answered_again(api: httpx.Client) -> None:
    """The same body, marked as replayed; one object."""
    first, again = post(api, "k", CARD), post(api, "k", CARD)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert count(api) == 1


def test_other_parameters_are_refused(api: httpx.Client) -> None:
    """400 idempotency_error for other parameters and for another path."""
    post(api, "k", CARD)
    for answer in (post(api, "k", {**CARD, "amount": "600"}), post(api, "k", {}, "customers")):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"
    assert count(api) == 1


def test_failed_validation_is_not_remembered(api: httpx.Client) -> None:
    """After a 400 the key is free for the right request."""
    assert post(api, "k", {"amount": "500"}).status_code == 400
    assert post(api, "k", CARD).status_code == 200


def test_a_decline_is_remembered(api: httpx.Client) -> None:
    """402 is an answer as any other: the card is not tried again."""
    first, again = post(api, "k", DECLINED), post(api, "k", DECLINED)
    assert (first.status_code, again.status_code) == (402, 402)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert count(api) == 1


def test_a_stored_500_is_replayed(api: httpx.Client, control: Control) -> None:
    """A 500 stays a 500 under its key; nothing was made."""
    control("POST", "faults", method="POST", path="/v1/payment_intents", kind="500", times=1)
    first, again = post(api, "k", CARD), post(api, "k", CARD)
    assert (first.status_code, again.status_code) == (500, 500)
    assert again.headers["idempotent-replayed"] == "true"
    assert count(api) == 0


@pytest.mark.parametrize("kind", ["401", "429", "429_lock", "503", "lost_before"])
def test_other_failures_are_not_remembered(api: httpx.Client, control: Control, kind: str) -> None:
    """The second try under the same key does the work."""
    control("POST", "faults", method="POST", path="/v1/payment_intents", kind=kind, times=1)
    try:
        assert post(api, "k", CARD).status_code in {401, 429, 503}
    except httpx.TransportError:
        assert kind == "lost_before"
    assert count(api) == 0
    assert post(api, "k", CARD).status_code == 200
    assert count(api) == 1


def test_a_lost_answer_is_found_again(api: httpx.Client, control: Control) -> None:
    """The work was done; the repetition gets its answer."""
    control("POST", "faults", method="POST", path="/v1/payment_intents", kind="lost_after", times=1)
    with pytest.raises(httpx.TransportError):
        post(api, "k", CARD)
    assert count(api) == 1
    assert post(api, "k", CARD).headers["idempotent-replayed"] == "true"
    assert count(api) == 1


def test_a_key_in_use_is_409(api: httpx.Client, control: Control) -> None:
    """While the first answer is on its way, the second is refused; the library calls it 409."""
    control("POST", "faults", method="POST", path="/v1/payment_intents", kind="slow:0.5", times=1)
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(lambda _: post(api, "k", CARD).status_code, range(2)))
    assert statuses == [200, 409]
    assert count(api) == 1


def test_a_key_is_forgotten_after_a_day(api: httpx.Client, control: Control) -> None:
    """24 hours of the account's clock; just before, it is known."""
    first = post(api, "k", CARD)
    control("POST", "clock/advance", seconds=24 * 3600 - 60)
    assert post(api, "k", CARD).json()["id"] == first.json()["id"]
    control("POST", "clock/advance", seconds=120)
    assert post(api, "k", CARD).json()["id"] != first.json()["id"]


def test_a_key_has_at_most_255_characters(api: httpx.Client) -> None:
    """Longer ones are 400."""
    assert post(api, "k" * 256, CARD).status_code == 400


def test_faults_count_how_often_they_fired(api: httpx.Client, control: Control) -> None:
    """By method and path with a wildcard, so many times, then no more."""
    control("POST", "faults", method="GET", path="/v1/payment_intents/{id}", kind="429", times=2)
    for _ in range(2):
        answer = api.get("/v1/payment_intents/pi_x")
        assert answer.status_code == 429
        assert answer.headers["stripe-rate-limited-reason"] == "global-rate"
    assert api.get("/v1/payment_intents/pi_x").status_code == 404
    assert [fault["fired"] for fault in control("DELETE", "faults")["faults"]] == [2]


def test_a_lock_has_its_own_code(client: Any, control: Control) -> None:
    """429 lock_timeout comes without the header of a rate limit."""
    control("POST", "faults", method="*", path="*", kind="429_lock", times=1)
    with pytest.raises(stripe.RateLimitError) as error:
        client.v1.customers.list()
    said: Any = error.value.error
    assert said.code == "lock_timeout"
    assert "Stripe-Rate-Limited-Reason" not in (error.value.headers or {})


def test_rate_limits_on_request(api: httpx.Client, control: Control) -> None:
    """Off by default; on, a test account gets 25 requests a second."""
    assert {api.get("/v1/customers").status_code for _ in range(40)} == {200}
    control("POST", "rate_limits", on=True)
    statuses = [api.get("/v1/customers").status_code for _ in range(40)]
    assert 429 in statuses
    assert statuses[:25] == [200] * 25


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "earthquake"}),
        ("faults", {}),
        ("deliveries", {"drop": 2}),
        ("deliveries", {"unicorns": 1}),
        ("keys", {"permissions": ["everything"]}),
        ("clock/advance", {"seconds": -1}),
        ("deliveries/release", {"order": "sideways"}),
    ],
)
def test_wrong_controls_are_refused(api: httpx.Client, path: str, body: dict[str, Any]) -> None:
    """400 with a sentence."""
    answer = api.post(f"/_test/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("word", [True, False])
def test_a_fault_can_say_whether_to_try_again(client: Any, control: Control, word: bool) -> None:  # noqa: FBT001 - a parametrized fact
    """The official library obeys `Stripe-Should-Retry`: 429 again, 503 not."""
    kind = "429" if word else "503"
    control("POST", "faults", method="*", path="*", kind=kind, times=1, should_retry=word)
    options: Any = {"max_network_retries": 1}
    if word:
        assert client.v1.customers.list({}, options).data == []
    else:
        with pytest.raises(stripe.APIError):
            client.v1.customers.list({}, options)
