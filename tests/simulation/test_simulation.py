"""A modest number of schedules in every `make test`; `make prove` runs 20,000."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.features import notices
from tests.simulation import (
    consumers,
    operations,
    outside,
    reconciling,
    record,
    simulated_bus,
    simulated_sqs,
    ways_out,
    world,
)
from tests.simulation.drawing import FAULTS, drawn
from tests.simulation.hazards import Fault, Step
from tests.simulation.prove import part
from tests.simulation.schedule import run
from tests.simulation.shrinking import kept_of, shortest

# Fixed, so that a failure here is a failure everywhere.
FIRST_SEED, SCHEDULES = 7_000_000, 400
SETTINGS = tomllib.loads((Path(__file__).parents[2] / "stages.toml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _the_same_randomness_for_others() -> Iterator[None]:
    state = random.getstate()
    yield
    random.setstate(state)


def test_schedules_hold() -> None:
    total = part(FIRST_SEED, SCHEDULES)
    assert [(v.seed, v.wrong) for v in total.failing] == []
    each = {name: number / SCHEDULES for name, number in total.numbers.items()}
    assert each["objects"] >= 4
    assert each["deliveries"] >= 30
    # Deaths follow from faults, copies and refusals are no trouble of ours: not counted here.
    faults = ("crash", "throttled", "timeout", "conflict", "answer lost", "refused", "others")
    assert sum(n for f, n in total.faults.items() if f.startswith(faults)) / SCHEDULES >= 3


def test_a_seed_is_one_schedule() -> None:
    """Drawn and run twice it is the same to the last number, behind the adapters too."""
    for seed in (FIRST_SEED, FIRST_SEED + 1):
        assert drawn(seed) == drawn(seed)
        assert run(seed) == run(seed)


def test_a_failing_seed_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left still shows the same kind of violation, in far fewer steps."""
    monkeypatch.setattr("tests.simulation.steps.LASTS_SECONDS", 3600)
    seed = next(s for s in range(FIRST_SEED, FIRST_SEED + 50) if run(s).wrong)
    kept = shortest(seed, runs_max=150)
    assert run(seed, kept_of(seed, kept)).wrong
    assert len(kept) < len(drawn(seed)) / 2


def test_the_numbers_are_those_of_prod() -> None:
    defaults = SETTINGS["defaults"]
    worker = defaults["worker"]
    assert defaults["retention"]["ledger_days"] == record.LEDGER_DAYS
    assert defaults["publishing"]["due_after_seconds"] == ways_out.DUE_AFTER_SECONDS
    assert defaults["publishing"]["stream_age_max_seconds"] == simulated_bus.STREAM_AGE_SECONDS
    listening = defaults["consumers"]
    assert listening["visibility_seconds"] == consumers.VISIBILITY_SECONDS
    assert listening["tries_max"] == consumers.TRIES_MAX
    assert listening["timeout_seconds"] == consumers.TIMEOUT_SECONDS
    assert listening["remembered_days"] == consumers.REMEMBERED_DAYS
    assert defaults["reconcile"]["timeout_seconds"] == reconciling.TIMEOUT_SECONDS
    assert defaults["reconcile"]["pages_max"] == reconciling.PAGES_MAX
    assert defaults["reconcile"]["stale_after_seconds"] == reconciling.STALE_AFTER_SECONDS
    assert defaults["reconcile"]["missing_after_seconds"] == reconciling.MISSING_AFTER_SECONDS
    assert defaults["reconcile"]["all_every_seconds"] == reconciling.ALL_EVERY_SECONDS
    assert defaults["reconcile"]["stale_rows_max"] == reconciling.STALE_ROWS_MAX
    assert notices.TOLD_TYPES == consumers.NOTICED
    assert defaults["retention"]["queue_days"] * 86_400 == simulated_sqs.RETENTION_SECONDS
    assert worker["visibility_seconds"] == outside.VISIBILITY_SECONDS
    assert worker["tries_max"] == world.LIMITS.tries_max
    assert tuple(worker["wait_delays_seconds"]) == world.LIMITS.wait_delays_seconds
    assert (
        defaults["operations"]
        | {
            "key_fresh_seconds": operations.KEY_FRESH_SECONDS,
            "look_back_seconds": operations.LOOK_BACK_SECONDS,
            "absent_after_seconds": operations.ABSENT_AFTER_SECONDS,
            "give_up_after_seconds": operations.GIVE_UP_AFTER_SECONDS,
        }
        == defaults["operations"]
    )


# Two payments, one of them moved on within a second; the invocation in question; then its repeat.
BEFORE = [
    Step("ask", (0, 0, 11)),
    Step("ask", (1, 0, 12)),
    Step("move", (1, 13)),
    Step("move", (7, 14)),
    Step("move", (1, 15)),
    *(Step("deliver", (n, n)) for n in range(2)),
]
INVOCATIONS = {
    "API": Step("ask", (2, 0, 16)),
    "API, another key": Step("ask", (0, 1, 17)),
    "worker, a batch": Step("work", (10, 0, 18)),
    "worker, one message": Step("work", (1, 3, 19)),
    "receiver": Step("deliver", (3, 20)),
    "runner": Step("operate", (10, 0, 22)),
    "publisher": Step("publish", (25, 28)),
    "what is due": Step("reconcile", (0, 29)),
    "refunds API": Step("refund", (0, 1, 25)),
    "notify": Step("consume", (10, 0, 31)),
    "page": Step("open page", (0, 0, 38)),
    "customer": Step("ask customer", (0, 39)),
    "subscription": Step("ask subscription", (0, 1, 40)),
}
MEANWHILE = Step("work", (10, 0, 21))
# A second intent of the first payment, its event, and the order to cancel it.
STRAY = [
    Step("stray", (0, 23)),
    Step("tick", (40_000, 24)),
    *(Step("deliver", (n, n)) for n in range(20)),
    MEANWHILE,
    MEANWHILE,
    *(Step("publish", (25, n)) for n in (34, 35, 36)),
]
# The first payment is paid, and we know.
PAID = [
    Step("pay", (0, 26)),
    Step("tick", (40_000, 27)),
    *(Step("deliver", (n, n)) for n in range(20)),
    MEANWHILE,
    MEANWHILE,
]
DUE = [*PAID, Step("tick", (4000, 30))]
TOLD = [*PAID, Step("publish", (25, 32)), Step("publish", (25, 33))]
BEFORE_IT = {
    "subscription": [Step("ask customer", (0, 41))],
    "notify": TOLD,
    "runner": STRAY,
    "refunds API": PAID,
    "publisher": PAID,
    "what is due": DUE,
}


# A run of reconcile makes some sixty calls: what it survives at each is said by these.
DEATHS = ("answer lost", "crash after", "crash before")
CASES = [
    (name, kind)
    for name in INVOCATIONS
    for kind in sorted(set(FAULTS))
    if name != "what is due" or kind in DEATHS
]


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("is_deep", [False, True], ids=["fakes", "adapters"])
def test_trouble_at_any_call_of_an_invocation(name: str, kind: str, is_deep: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    """Not by chance but all of them: each port call, before and after, until there is no more."""
    for call in range(1, 90):
        fault = Fault(call, kind, MEANWHILE if kind.startswith("others") else None)
        step = INVOCATIONS[name]._replace(faults=(fault,))
        before = [*BEFORE, *BEFORE_IT.get(name, ())]
        verdict = run(call, [*before, step, INVOCATIONS[name]], is_deep=is_deep)
        assert verdict.wrong == []
        if not verdict.faults[kind]:
            assert call > 1
            return
    raise AssertionError("an invocation makes fewer calls than that")
