"""What the drill calls a payment that failed."""

import secrets
from typing import Any

import httpx
import pytest

from local import drill
from local.drill import Drill

TAKEN = (201, {"payment": {"id": "pay_1", "payment_intent_id": "pi_1"}})
PROCESSED = (202, {"message": "being processed"})
BUSY = (503, {"error": {"code": "try_again"}})
MEANWHILE = (409, {"error": {"code": "idempotency_in_progress"}})
GATEWAY = (429, {"message": "Too Many Requests"})
WRONG = (400, {"error": {"code": "invalid_request"}})
DECLINED = (409, {"error": {"code": "order_in_progress"}})


class FakeShop:
    """Gives these answers; None is none."""

    def __init__(self, *answers: tuple[int, dict[str, Any]] | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None]] = []
        self.confirmed: list[str] = []

    def post_payment(self, *, order_id: str, key: str | None = None) -> httpx.Response:
        self.asked.append((order_id, key))
        answer = self.answers.pop(0)
        if answer is None:
            raise httpx.ReadTimeout("slow")
        return httpx.Response(answer[0], json=answer[1])

    def confirm(self, intent_id: str) -> None:
        self.confirmed.append(intent_id)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_REPEAT_SECONDS", 0)


def buying(shop: FakeShop) -> tuple[Drill, str | None]:
    cloud: Any = None
    place: Any = shop
    made = Drill(cloud, place)
    return made, made._buy()


@pytest.mark.parametrize("before", [[], [BUSY], [None, PROCESSED], [MEANWHILE, GATEWAY]])
def test_a_payment_is_taken_by_the_same_request_again(before: list[Any]) -> None:
    shop = FakeShop(*before, TAKEN)
    made, payment_id = buying(shop)
    assert payment_id == "pay_1"
    assert shop.confirmed == ["pi_1"]
    assert len(set(shop.asked)) == 1
    assert sum(made.counted.api.values()) == len(before) + 1


@pytest.mark.parametrize("answer", [WRONG, DECLINED])
def test_what_no_repeat_can_mend_is_a_payment_that_failed(answer: Any) -> None:
    made, payment_id = buying(FakeShop(answer, TAKEN))
    assert payment_id is None
    assert list(made.counted.refusals) == [answer[1]["error"]["code"]]


def test_so_is_one_that_is_busy_for_ever() -> None:
    _, payment_id = buying(FakeShop(*[BUSY] * 10))
    assert payment_id is None


def test_work_begins_at_its_rate_however_long_it_takes() -> None:
    given = drill.at_a_rate(lambda: secrets.token_hex(2), per_second=200, seconds=0.1)
    assert len(given) == 20
