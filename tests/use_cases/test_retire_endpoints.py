"""An endpoint goes when its time is over, swept, and succeeded; its secret goes with it."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import KeyRefused, RotationRefused
from paidonce.domain.rotation import CURRENT, EDITED, PENDING, PREVIOUS

from tests.use_cases.a_rotation import RETIRE_AFTER, Crash, RotatingStage

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture
def stage() -> RotatingStage:
    """Rotated twice; the first endpoint's time is over."""
    return a_stage()


def a_stage() -> RotatingStage:
    stage = RotatingStage()
    stage.rotate(ONE)
    stage.clock.advance(1000)
    stage.rotate(TWO)
    stage.clock.advance(RETIRE_AFTER)
    return stage


def test_it_is_swept_first_and_retired_when_that_is_complete(stage: RotatingStage) -> None:
    assert stage.retire() == []
    sweep = stage.sweeps.stored
    assert sweep is not None
    assert (sweep.window_from, sweep.window_to) == (1_800_000_000, 1_800_001_060)
    assert stage.retire() == []
    assert set(stage.stripe.standing) == {"we_1", "we_2"}
    stage.reconcile()
    assert stage.retire() == ["we_1"]
    assert set(stage.stripe.standing) == stage.document.ids == {"we_2"}
    assert stage.telemetry.counts["EndpointsRetired"] == 1
    assert stage.retire() == []


def test_the_edit_puts_nothing_under_awscurrent_and_leaves_no_label(stage: RotatingStage) -> None:
    stage.retire()
    stage.reconcile()
    stage.retire()
    assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}
    assert stage.secret.labelled[PREVIOUS] == stage.document.based_on == TWO


def test_it_stays_as_long_as_its_overlap_lasts() -> None:
    stage = RotatingStage()
    stage.rotate(ONE)
    stage.rotate(TWO)
    stage.clock.advance(RETIRE_AFTER - 1)
    stage.retire()
    assert stage.sweeps.stored is None


def test_it_waits_while_a_rotation_runs(stage: RotatingStage) -> None:
    stage.secret.begin_rotation(THREE)
    assert stage.retire() == []
    assert stage.sweeps.stored is None
    assert stage.telemetry.counts["RetirementPostponed"] == 1


def test_a_rotation_that_begins_in_between_and_ends_first_wins(stage: RotatingStage) -> None:
    """AWSCURRENT is taken from the version that was read: it moved, so it is read again."""
    stage.retire()
    stage.reconcile()
    stage.faults.before("move", lambda: stage.rotate(THREE))
    assert stage.retire() == ["we_1"]
    assert set(stage.stripe.standing) == stage.document.ids == {"we_2", "we_3"}
    assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}


@pytest.mark.parametrize("is_deleted", [True, False])
def test_nothing_goes_whose_successor_stripe_does_not_deliver_to(
    stage: RotatingStage, *, is_deleted: bool
) -> None:
    """Somebody deleted or disabled the new one at Stripe: the old one is all that is left."""
    stage.retire()
    stage.reconcile()
    new = stage.stripe.standing.pop("we_2")
    if not is_deleted:
        stage.stripe.standing["we_2"] = replace(new, is_enabled=False)
    assert stage.retire() == []
    assert "we_1" in stage.stripe.standing
    assert stage.telemetry.counts["SuccessorMissing"] == 1


def test_one_that_is_gone_from_stripe_is_forgotten_all_the_same(stage: RotatingStage) -> None:
    del stage.stripe.standing["we_1"]
    stage.retire()
    stage.reconcile()
    assert stage.retire() == ["we_1"]
    assert stage.document.ids == {"we_2"}


def test_all_that_are_due_go_together_after_one_sweep(stage: RotatingStage) -> None:
    stage.rotate(THREE)
    stage.clock.advance(RETIRE_AFTER)
    stage.retire()
    stage.reconcile()
    assert stage.retire() == ["we_2", "we_1"]
    assert stage.document.ids == {"we_3"}


def test_an_older_complete_sweep_of_another_window_is_not_taken_for_it(
    stage: RotatingStage,
) -> None:
    stage.retire()
    stage.reconcile()
    stage.retire()
    stage.rotate(THREE)
    stage.clock.advance(RETIRE_AFTER)
    assert stage.retire() == []
    stage.reconcile()
    assert stage.retire() == ["we_2"]


def test_a_key_that_stripe_refuses_ends_the_run_and_nothing_is_forgotten(
    stage: RotatingStage,
) -> None:
    stage.retire()
    stage.reconcile()
    stage.faults.plan("disable", KeyRefused("no", http_status=401))
    with pytest.raises(KeyRefused):
        stage.retire()
    assert stage.document.ids == {"we_1", "we_2"}


def test_a_document_that_cannot_be_read_stops_it(stage: RotatingStage) -> None:
    stage.secret.versions[TWO] = "{}"
    with pytest.raises(RotationRefused):
        stage.retire()


def test_what_is_late_is_told(stage: RotatingStage) -> None:
    stage.retire()
    assert stage.telemetry.counts["RotationOverdue"] == 0
    stage.clock.advance(86_401)
    stage.retire()
    assert stage.telemetry.counts["RotationOverdue"] == 1
    stage.clock.advance(35 * 86_400)
    stage.retire()
    assert stage.telemetry.counts["RotationOverdue"] == 1 + 2


# --- crashes ------------------------------------------------------------------------------------


def rounds(stage: RotatingStage) -> None:
    """As often as it takes."""
    for _ in range(3):
        stage.retire()
        stage.reconcile()


@pytest.mark.parametrize("is_after", [False, True])
def test_after_a_crash_at_any_line_a_retirement_ends_right(*, is_after: bool) -> None:
    """One endpoint, its secret, no label; and a rotation right after it finds all as it should."""
    whole = a_stage()
    before = len(whole.faults.calls)
    rounds(whole)
    calls = len(whole.faults.calls) - before
    assert calls > 15
    for number in range(1, calls + 1):
        stage = a_stage()
        stage.faults.at, stage.faults.is_after = len(stage.faults.calls) + number, is_after
        with pytest.raises(Crash):
            rounds(stage)
        stage.faults.at = None
        rounds(stage)
        assert set(stage.stripe.standing) == stage.document.ids == {"we_2"}
        assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}
        stage.rotate(THREE)
        assert set(stage.stripe.standing) == stage.document.ids == {"we_2", "we_3"}
        assert not {PENDING, EDITED} & set(stage.secret.labelled)


@pytest.mark.parametrize("is_after", [False, True])
def test_a_rotation_right_after_the_crash_of_a_retirement_ends_right(*, is_after: bool) -> None:
    """Whichever of the two comes next."""
    for number in range(1, 25):
        stage = a_stage()
        stage.faults.at, stage.faults.is_after = len(stage.faults.calls) + number, is_after
        try:
            rounds(stage)
        except Crash:
            stage.faults.at = None
            stage.rotate(THREE)
        stage.faults.at = None
        stage.clock.advance(RETIRE_AFTER)
        rounds(stage)
        rounds(stage)
        assert set(stage.stripe.standing) == stage.document.ids
        assert len(stage.document.ids) == 1
        assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}
