"""A restricted key is put in use only when it is right; whatever happens, no label stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from paidonce.domain import permissions
from paidonce.domain.errors import RotationRefused, TryAgain
from paidonce.domain.moment import iso
from paidonce.domain.rotation import CURRENT, PENDING, PREVIOUS, STAGED, Step
from paidonce.use_cases.judge_key import JudgeKey
from paidonce.use_cases.rotate_key import RotateKey

from tests.fakes import FakeClock, Faults
from tests.fakes_keys import ONE, THREE, TWO, FakeKey, FakeKeyProber
from tests.fakes_rotation import FIRST_VERSION, FakeSecretVersions
from tests.fakes_telemetry import FakeTelemetry

RIGHT = FakeKey(permissions.of_key("payments"))
FIRST = {"key": ONE, "created": "2026-11-01T00:00:00Z"}
PLACEHOLDER = {"key": "", "created": None}


class Crash(Exception):  # noqa: N818 - errors are facts
    """Lambda was ended here."""


@dataclass
class Stage:
    """A secret with a key in use, Stripe's keys, and Secrets Manager."""

    secret: FakeSecretVersions = field(default_factory=lambda: FakeSecretVersions(FIRST))
    prober: FakeKeyProber = field(default_factory=lambda: FakeKeyProber({ONE: RIGHT, TWO: RIGHT}))
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    clock: FakeClock = field(default_factory=FakeClock)
    rotations: int = 0

    @property
    def rotate(self) -> RotateKey:
        judge = JudgeKey(prober=self.prober, livemode=False, account=None)
        return RotateKey(
            name="payments",
            secret=self.secret,
            judge=judge,
            clock=self.clock,
            telemetry=self.telemetry,
            age_max_days=90,
        )

    def stages(self, key: str) -> None:
        """What `paidonce keys stage` does."""
        document = {"key": key, "created": "2026-11-22T00:00:00Z"}
        version_id = f"{len(self.secret.versions):032}"
        self.secret.put(document, version_id=version_id, label=STAGED)

    def rotates(self, token: str | None = None) -> None:
        """RotateSecret, and the four steps."""
        self.rotations += 1
        token = token or f"t{self.rotations:031}"
        self.secret.begin_rotation(token)
        for step in Step:
            self.rotate(step, token, time_left=lambda: 60.0)

    @property
    def key(self) -> str:
        """The key in use."""
        return str(self.secret.current["key"])


def assert_only_current(stage: Stage, *, also: str = PREVIOUS) -> None:
    assert set(stage.secret.labelled) <= {CURRENT, also}


def test_a_staged_key_comes_in_use_and_the_old_one_stays_as_previous() -> None:
    stage = Stage()
    stage.stages(TWO)
    stage.rotates()
    assert stage.key == TWO
    assert stage.secret.current["created"] == "2026-11-22T00:00:00Z"
    assert stage.secret.labelled[PREVIOUS] == FIRST_VERSION
    assert_only_current(stage)
    assert "KeyRotated" in stage.telemetry.counts


def test_without_a_staged_key_the_one_in_use_is_judged_and_stays() -> None:
    stage = Stage()
    stage.rotates()
    assert stage.secret.current == FIRST
    assert_only_current(stage)


def test_a_placeholder_rotates_without_being_judged() -> None:
    stage = Stage(secret=FakeSecretVersions(PLACEHOLDER), prober=FakeKeyProber())
    stage.rotates()
    assert stage.secret.current == PLACEHOLDER
    assert_only_current(stage)


def test_a_first_key_replaces_the_placeholder() -> None:
    stage = Stage(secret=FakeSecretVersions(PLACEHOLDER))
    stage.stages(TWO)
    stage.rotates()
    assert stage.key == TWO


@pytest.mark.parametrize(
    "key",
    [
        *("pk_test_" + "a" * 24, "garbage", "rk_" + "live_" + "a" * 24),
        pytest.param(THREE, id="expired"),
        pytest.param("rk_test_few" + "a" * 20, id="too few"),
        pytest.param("rk_test_many" + "a" * 20, id="too many"),
    ],
)
def test_a_wrong_key_is_refused_and_nothing_stays_of_it(key: str) -> None:
    stage = Stage()
    stage.prober.keys["rk_test_few" + "a" * 20] = FakeKey(RIGHT.permissions[1:])
    stage.prober.keys["rk_test_many" + "a" * 20] = FakeKey(
        [*RIGHT.permissions, *permissions.writes(permissions.PAYOUTS)]
    )
    stage.stages(key)
    with pytest.raises(RotationRefused, match=r"^keys/payments: ") as refusal:
        stage.rotates()
    assert key not in str(refusal.value)
    assert key not in str(stage.telemetry.facts)
    assert stage.secret.labelled == {CURRENT: FIRST_VERSION}
    assert stage.telemetry.counts["NewKeyRefused"] == 1
    # The next one is not blocked by it.
    stage.stages(TWO)
    stage.rotates()
    assert stage.key == TWO


def test_a_refused_rotation_that_is_tried_again_is_still_refused() -> None:
    """Secrets Manager tries again by itself; the key is not put in use by that."""
    stage = Stage()
    stage.stages(THREE)
    for _ in range(2):
        with pytest.raises(RotationRefused):
            stage.rotates("t" * 32)
    assert stage.key == ONE


@pytest.mark.parametrize(("days", "tells"), [(89, 0), (90, 0), (91, 1), (None, 1)])
def test_a_key_in_use_that_is_too_old_is_told_and_stays(days: int | None, tells: int) -> None:
    """Also one of which nobody noted when it was made."""
    stage = Stage()
    made = None if days is None else iso(stage.clock.now() - days * 86_400)
    stage.secret = FakeSecretVersions({"key": ONE, "created": made})
    stage.rotates()
    assert stage.telemetry.counts["KeyTooOld"] == tells
    assert stage.key == ONE


def test_a_key_staged_during_a_rotation_waits_for_the_next_one() -> None:
    stage = Stage()
    stage.stages(TWO)
    token = "t" * 32
    stage.secret.begin_rotation(token)
    stage.rotate(Step.CREATE, token, time_left=lambda: 60.0)
    stage.prober.keys[THREE] = RIGHT
    stage.stages(THREE)
    for step in Step:
        stage.rotate(step, token, time_left=lambda: 60.0)
    assert stage.key == TWO
    assert STAGED in stage.secret.labelled
    stage.rotates()
    assert stage.key == THREE
    assert_only_current(stage)


def test_somebody_elses_change_of_current_wins() -> None:
    stage = Stage()
    stage.stages(TWO)
    token = "t" * 32
    stage.secret.begin_rotation(token)
    for step in (Step.CREATE, Step.TEST):
        stage.rotate(step, token, time_left=lambda: 60.0)
    stage.secret.put({"key": THREE, "created": None}, version_id="x" * 32, label="EDITED")
    stage.secret.faults.before(
        "move", lambda: stage.secret.labelled.update({CURRENT: "x" * 32, PENDING: token})
    )
    with pytest.raises(RotationRefused, match="changed the secret meanwhile"):
        stage.rotate(Step.FINISH, token, time_left=lambda: 60.0)
    assert stage.key == THREE
    assert not {PENDING, STAGED} & set(stage.secret.labelled)


def test_stripe_out_of_reach_refuses_nothing() -> None:
    """The rotation stays where it is, and Secrets Manager tries again."""
    stage = Stage()
    stage.stages(TWO)
    stage.prober.faults.plan("ask", TryAgain("away"))
    with pytest.raises(TryAgain):
        stage.rotates("t" * 32)
    assert stage.key == ONE
    assert "NewKeyRefused" not in stage.telemetry.counts
    stage.rotates("t" * 32)
    assert stage.key == TWO
    assert_only_current(stage)


class CrashesAt(Faults):
    """Ends the run at one place: before a call for an even number, after it for an odd one."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self._left = place

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """See `Faults.around`."""
        self._pass(call)
        yield
        self._pass(call)

    def _pass(self, call: str) -> None:
        self._left -= 1
        if self._left == -1:
            raise Crash(call)


def attempt(stage: Stage, token: str) -> str:
    try:
        stage.rotates(token)
    except Crash:
        return "crashed"
    except RotationRefused:
        return "refused"
    return "done"


@pytest.mark.parametrize("is_good", [True, False])
def test_after_a_crash_at_any_call_the_next_tries_end_as_if_there_had_been_none(
    *, is_good: bool
) -> None:
    """Before and after each call of each step; the same rotation again, then a new one."""
    wanted = TWO if is_good else ONE
    place = 0
    while True:
        stage = Stage()
        stage.stages(TWO if is_good else THREE)
        stage.secret.faults = stage.prober.faults = CrashesAt(place)
        if attempt(stage, "t" * 32) != "crashed":
            break
        stage.secret.faults = stage.prober.faults = Faults()
        assert attempt(stage, "t" * 32) == ("done" if is_good else "refused"), place
        assert stage.key == wanted, place
        stage.rotates("n" * 32)
        assert stage.key == wanted, place
        assert_only_current(stage)
        place += 1
    assert place > 20
