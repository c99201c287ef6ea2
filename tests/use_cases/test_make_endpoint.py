"""The first endpoint of a name, without a rotation: what `paidonce doctor --fix` does."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import RotationRefused, TryAgain
from paidonce.domain.rotation import CURRENT, PREVIOUS
from paidonce.use_cases.edit_signing import RotationRunning

from tests.fakes_rotation import FIRST_VERSION
from tests.use_cases.a_rotation import TYPES, URL, Crash, RotatingStage

ONE = "1" * 32


def make(stage: RotatingStage, name: str = "default") -> str:
    return stage.make_endpoint(name, time_left=stage.clock.time_left(60))


def test_it_is_made_with_exactly_the_events_that_have_rules_and_written_down() -> None:
    stage = RotatingStage()
    made = make(stage)
    assert stage.stripe.standing[made].event_types == TYPES
    (entry,) = stage.document.endpoints
    assert (entry.id, entry.name, entry.secret) == (made, "default", stage.stripe.secrets[made])
    assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}


def test_asked_again_it_makes_no_second_one() -> None:
    stage = RotatingStage()
    assert make(stage) == make(stage)
    assert len(stage.stripe.standing) == 1


def test_a_further_name_has_its_own_route() -> None:
    stage = RotatingStage()
    make(stage)
    assert stage.stripe.standing[make(stage, "connect")].url == f"{URL}/connect"
    assert stage.document.names == ("connect", "default")


@pytest.mark.parametrize("is_deleted", [True, False])
def test_one_that_stripe_lost_is_replaced(*, is_deleted: bool) -> None:
    stage = RotatingStage()
    lost = make(stage)
    gone = stage.stripe.standing.pop(lost)
    if not is_deleted:
        stage.stripe.standing[lost] = replace(gone, is_enabled=False)
    stage.clock.advance(10)
    again = make(stage)
    assert again != lost
    assert [one.retire_after is None for one in stage.document.live("default")] == [True, False]


def test_nothing_is_made_while_a_rotation_runs() -> None:
    stage = RotatingStage()
    stage.secret.begin_rotation(ONE)
    with pytest.raises(RotationRunning):
        make(stage)
    assert stage.stripe.standing == {}


def test_no_room_is_a_sentence_and_nothing_is_made() -> None:
    stage = RotatingStage()
    for number in range(16):
        stage.stripe.create(
            url="https://elsewhere.example",
            event_types=TYPES,
            metadata={},
            idempotency_key=f"theirs{number}",
            time_left=stage.clock.time_left(60),
        )
    with pytest.raises(RotationRefused, match="Stripe allows 16"):
        make(stage)
    assert stage.secret.labelled[CURRENT] == FIRST_VERSION


def test_an_endpoint_that_a_rotation_took_for_left_over_is_not_claimed_to_stand() -> None:
    stage = RotatingStage()
    stage.faults.before("put", stage.stripe.standing.clear)
    with pytest.raises(TryAgain, match="taken away"):
        make(stage)


@pytest.mark.parametrize("is_after", [False, True])
def test_after_a_crash_at_any_line_it_is_made_once(*, is_after: bool) -> None:
    whole = RotatingStage()
    make(whole)
    for number in range(1, len(whole.faults.calls) + 1):
        stage = RotatingStage()
        stage.faults.at, stage.faults.is_after = number, is_after
        with pytest.raises(Crash):
            make(stage)
        stage.faults.at = None
        made = make(stage)
        assert set(stage.stripe.standing) == stage.document.ids == {made}
        make(stage)
        assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}


def test_a_secret_rolled_in_the_dashboard_is_given_by_an_edit() -> None:
    stage = RotatingStage()
    made = make(stage)
    stage.edit(lambda now: now.with_secret(made, "wh" + "sec_rolled"))
    assert stage.document.live("default")[0].secret == "wh" + "sec_rolled"
    assert set(stage.secret.labelled) == {CURRENT, PREVIOUS}
