"""A key on trial, asked of the fake and of the stand-in Stripe: the same verdicts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe
from paidonce import rules
from paidonce.adapters.stripe_key_prober import StripeKeyProber
from paidonce.domain import permissions, rulebook
from paidonce.domain.errors import RotationRefused, TryAgain
from paidonce.domain.permissions import BALANCE, CHARGES, KEYS, PAYOUTS, PRICES, Permission
from paidonce.domain.versions import PINNED
from paidonce.use_cases.judge_key import Account, JudgeKey, KeyProber

from local.stripe.application import Settings
from local.stripe.identifiers import random_letters
from local.stripe.server import running
from tests.adapters.canned import Canned, canned_server
from tests.adapters.stripe_bench import refusal
from tests.fakes import FakeClock
from tests.fakes_keys import ACCOUNT, OTHER_ACCOUNT, FakeKey, FakeKeyProber
from tests.fakes_telemetry import FakeTelemetry

rulebook.load(rules)


@dataclass
class Trial:
    """A prober, and the way to make keys in two accounts; `pays` makes an intent in the first."""

    prober: KeyProber
    makes: Callable[..., str]
    expires: Callable[[str], None]
    pays: Callable[[], None]
    telemetry: FakeTelemetry

    def verdict(self, key: str, name: str = "payments", *, beside: str | None = None) -> Account:
        judge = JudgeKey(prober=self.prober, livemode=False, account=None)
        return judge(name, key, beside=beside, time_left=lambda: 60.0)


def faked() -> Trial:
    prober = FakeKeyProber()

    def makes(ticked: Sequence[Permission], *, elsewhere: bool = False) -> str:
        key = f"rk_test_{random_letters(24)}"
        prober.keys[key] = FakeKey(ticked, account=OTHER_ACCOUNT if elsewhere else ACCOUNT)
        return key

    def pays() -> None:
        prober.objects = {ACCOUNT: "pi_1"}

    return Trial(prober, makes, prober.keys.__delitem__, pays, FakeTelemetry())


def stood_in(url: str) -> Trial:
    ours, other = ("sk_" + "test_" + random_letters(24) for _ in range(2))

    def control(method: str, path: str, owner: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {owner}"}
        answer = httpx.request(method, f"{url}/_test/{path}", json=body, headers=headers)
        return answer.raise_for_status().json()

    def makes(ticked: Sequence[Permission], *, elsewhere: bool = False) -> str:
        wanted = {"permissions": [p.name for p in ticked], "livemode": False}
        made: str = control("POST", "keys", other if elsewhere else ours, wanted)["key"]
        return made

    def pays() -> None:
        client = stripe.StripeClient(ours, base_addresses={"api": url})
        client.v1.payment_intents.create({"amount": 500, "currency": "usd"})

    telemetry = FakeTelemetry()
    return Trial(
        a_prober(url, telemetry),
        makes,
        lambda key: control("DELETE", f"keys/{key}", ours),
        pays,
        telemetry,
    )


def a_prober(url: str, telemetry: FakeTelemetry, clock: FakeClock | None = None) -> StripeKeyProber:
    return StripeKeyProber(
        base_url=url,
        api_version=PINNED,
        clock=clock or FakeClock(),
        telemetry=telemetry,
        per_second=5,
        call_timeout_seconds=5,
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Settings()) as address:
        yield address


@pytest.fixture(params=["fake", "stand-in"])
def trial(request: pytest.FixtureRequest) -> Trial:
    if request.param == "fake":
        return faked()
    return stood_in(request.getfixturevalue("url"))


@pytest.mark.parametrize("name", KEYS)
def test_a_key_with_exactly_the_manifest_is_right(trial: Trial, name: str) -> None:
    key = trial.makes(permissions.of_key(name))
    assert trial.verdict(key, name) is Account.NOT_PROVABLE


@pytest.mark.parametrize("name", KEYS)
def test_each_missing_and_each_dangerous_permission_is_seen(trial: Trial, name: str) -> None:
    ticked = permissions.of_key(name)
    for missing in ticked:
        key = trial.makes([p for p in ticked if p != missing])
        with pytest.raises(RotationRefused, match=f"lacks {missing.shown}$"):
            trial.verdict(key, name)
    for danger in permissions.forbidden_to(name):
        key = trial.makes([*(p for p in ticked if not danger.covers(p)), danger])
        if danger.row in (PAYOUTS, BALANCE, CHARGES, PRICES):
            with pytest.raises(RotationRefused, match=f"must not, {danger.shown}$"):
                trial.verdict(key, name)


def test_an_expired_key_is_no_key(trial: Trial) -> None:
    key = trial.makes(permissions.of_key("refunds"))
    trial.expires(key)
    with pytest.raises(RotationRefused, match="does not know the key"):
        trial.verdict(key, "refunds")


def test_whose_account_it_is_shows_what_the_key_in_use_sees(trial: Trial) -> None:
    ticked = permissions.of_key("payments")
    old, new = trial.makes(ticked), trial.makes(ticked)
    assert trial.verdict(new, beside=old) is Account.NOT_PROVABLE
    trial.pays()
    assert trial.verdict(new, beside=old) is Account.PROVEN
    with pytest.raises(RotationRefused, match="another account"):
        trial.verdict(trial.makes(ticked, elsewhere=True), beside=old)
    # A key that Stripe no longer knows tells nothing.
    trial.expires(old)
    assert trial.verdict(new, beside=old) is Account.NOT_PROVABLE


# --- the real prober ------------------------------------------------------------------------------


def test_a_stage_that_names_its_account_is_compared_with_it(url: str) -> None:
    trial = stood_in(url)
    judge = JudgeKey(prober=trial.prober, livemode=False, account="acct_1other")
    key = trial.makes(permissions.of_key("reader"))
    with pytest.raises(RotationRefused, match=r"belongs to acct_1\w+, and the stage to acct_1oth"):
        judge("reader", key, beside=None, time_left=lambda: 60.0)


def test_probes_change_nothing_raise_no_alarm_and_log_no_key(url: str) -> None:
    trial = stood_in(url)
    key = trial.makes(permissions.of_key("payments"))
    trial.verdict(key)
    assert trial.telemetry.counts == {}
    assert key not in str(trial.telemetry.facts)
    assert len(trial.telemetry.facts) == 19


def test_probes_keep_their_share_of_stripes_rate_limit(url: str) -> None:
    clock, telemetry = FakeClock(), FakeTelemetry()
    prober, began = a_prober(url, telemetry, clock), clock.now()
    for _ in range(10):
        prober.ask("rk_test_" + "a" * 24, permissions.reads(CHARGES)[0], time_left=lambda: 60.0)
    assert 1.7 < clock.now() - began < 2.5


@pytest.mark.parametrize("answer", [Canned(closes=True), refusal(429), refusal(500)])
def test_an_answer_that_tells_nothing_is_no_verdict(answer: Canned) -> None:
    with canned_server() as server:
        server.answers = [answer]
        prober = a_prober(server.url, FakeTelemetry())
        with pytest.raises(TryAgain):
            prober.ask("rk_test_x", permissions.reads(CHARGES)[0], time_left=lambda: 60.0)


def test_nothing_is_asked_when_no_time_is_left(url: str) -> None:
    telemetry = FakeTelemetry()
    with pytest.raises(TryAgain, match="no time"):
        a_prober(url, telemetry).newest("rk_test_x", CHARGES, time_left=lambda: 1.0)
    assert telemetry.facts == []
