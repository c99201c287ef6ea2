"""A new signing secret: made, tested, promoted; or refused with a sentence, and nothing changed."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import OutcomeUnknown, RotationRefused, StripeRefused, TryAgain
from paidonce.domain.rotation import CURRENT, PENDING, PREVIOUS, Step
from paidonce.domain.signing_document import LIVE_OF_A_NAME_MAX

from tests.fakes_rotation import FIRST_VERSION
from tests.use_cases.a_rotation import RETIRE_AFTER, TYPES, URL, Crash, RotatingStage

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture
def stage() -> RotatingStage:
    return RotatingStage()


def untouched(stage: RotatingStage, version: str = FIRST_VERSION) -> bool:
    """AWSCURRENT is as it was, and the next rotation is not blocked."""
    labels = stage.secret.labelled
    return labels[CURRENT] == version and PENDING not in labels


def test_the_first_rotation_makes_the_stages_first_endpoint(stage: RotatingStage) -> None:
    """On a placeholder, with exactly the events that have rules."""
    stage.rotate(ONE)
    (endpoint,) = stage.document.endpoints
    (made,) = stage.stripe.standing.values()
    assert (endpoint.id, endpoint.name, endpoint.secret) == (
        made.id,
        "default",
        stage.stripe.secrets[made.id],
    )
    assert (made.url, made.event_types) == (URL, TYPES)
    assert made.metadata == {
        "paidonce_stage": "t",
        "paidonce_endpoint": "default",
        "paidonce_generation": ONE,
    }
    assert stage.secret.labelled == {CURRENT: ONE, PREVIOUS: FIRST_VERSION}


def test_a_rotation_adds_a_successor_and_keeps_the_former(stage: RotatingStage) -> None:
    stage.rotate(ONE)
    stage.clock.advance(100)
    stage.rotate(TWO)
    new, old = stage.document.endpoints
    assert (new.id, new.retire_after) == ("we_2", None)
    assert (old.id, old.retire_after) == ("we_1", "2027-01-15T09:01:40.000Z")
    assert RETIRE_AFTER == 3600
    assert all(one.is_enabled for one in stage.stripe.standing.values())
    assert stage.document.based_on == ONE


def test_each_name_gets_one_successor_at_its_own_route(stage: RotatingStage) -> None:
    stage.make_endpoint("default", time_left=stage.clock.time_left(60))
    stage.make_endpoint("connect", time_left=stage.clock.time_left(60))
    stage.rotate(TWO)
    assert [one.name for one in stage.document.live("connect")] == ["connect"] * 2
    newest = {name: stage.document.newest(name) for name in ("default", "connect")}
    urls = {name: stage.stripe.standing[one.id].url for name, one in newest.items() if one}
    assert urls == {"default": URL, "connect": f"{URL}/connect"}


def test_promotion_waits_until_the_receiver_accepts_three_in_a_row(stage: RotatingStage) -> None:
    answers = iter([400, None, 200, 200, 400, 200, 200, 200, 200])
    stage.door.answer = lambda _url, _body, _signature: next(answers)
    stage.rotate(ONE)
    assert next(answers) == 200
    assert stage.clock.pauses == [1.0] * 3


def test_a_receiver_that_never_accepts_ends_the_rotation_and_it_can_go_on_later(
    stage: RotatingStage,
) -> None:
    """Secrets Manager asks again with the same token: the same endpoint is tested."""
    honest, stage.door.answer = stage.door.answer, lambda _url, _body, _signature: 500
    with pytest.raises(TryAgain):
        stage.rotate(ONE)
    assert stage.secret.labelled == {CURRENT: FIRST_VERSION, PENDING: ONE}
    stage.door.answer = honest
    stage.rotate(ONE)
    assert list(stage.stripe.standing) == ["we_1"]
    assert stage.secret.labelled[CURRENT] == ONE


def test_the_self_test_events_are_known_by_their_ids(stage: RotatingStage) -> None:
    stage.rotate(ONE)
    assert len(stage.door.delivered) == 3
    assert all(b'"id": "evt_selftest_' in body for _, body in stage.door.delivered)


def test_a_placeholder_under_test_is_not_judged(stage: RotatingStage) -> None:
    """A new schedule lets Secrets Manager call testSecret alone, on a copy of what is current."""
    stage.secret.put({"based_on": None, "endpoints": []}, version_id=ONE, label=PENDING)
    stage.rotation(Step.TEST, ONE, time_left=stage.clock.time_left(60))
    assert stage.door.delivered == []


def test_an_edit_during_a_rotation_wins_and_the_new_endpoint_goes_at_once(
    stage: RotatingStage,
) -> None:
    stage.rotate(ONE)

    def edited() -> None:
        stage.secret.put(stage.secret.current | {"x": 1}, version_id="e" * 32, label="E")
        stage.secret.move(CURRENT, to="e" * 32, taken_from=ONE)

    stage.faults.before("deliver", edited)
    with pytest.raises(RotationRefused, match="was edited during its rotation"):
        stage.rotate(TWO)
    assert untouched(stage, "e" * 32)
    assert list(stage.stripe.standing) == ["we_1"]


def test_an_edit_in_the_last_moment_wins_too(stage: RotatingStage) -> None:
    """Between our look at the labels and our move."""
    stage.rotate(ONE)

    def edited() -> None:
        stage.secret.versions["e" * 32] = stage.secret.versions[ONE]
        stage.secret.labelled[CURRENT] = "e" * 32

    stage.faults.before("move", edited)
    with pytest.raises(RotationRefused, match="was edited during its rotation"):
        stage.rotate(TWO)
    assert untouched(stage, "e" * 32)
    assert list(stage.stripe.standing) == ["we_1"]


@pytest.mark.parametrize("what", ["deleted", "disabled"])
def test_nothing_is_promoted_that_stripe_does_not_deliver_to(
    stage: RotatingStage, what: str
) -> None:
    """Otherwise the former endpoint would be retired, and no endpoint be left."""
    stage.rotate(ONE)

    def gone() -> None:
        made = stage.stripe.standing.pop("we_2")
        if what == "disabled":
            stage.stripe.standing["we_2"] = replace(made, is_enabled=False)

    stage.faults.before("deliver", gone)
    with pytest.raises(RotationRefused, match="gone from Stripe, or disabled"):
        stage.rotate(TWO)
    assert untouched(stage, ONE)
    assert list(stage.stripe.standing) == ["we_1"]


def test_too_many_live_endpoints_of_a_name_are_refused_with_a_sentence(
    stage: RotatingStage,
) -> None:
    for number in range(LIVE_OF_A_NAME_MAX):
        stage.rotate(f"{number}" * 32)
    with pytest.raises(RotationRefused, match="4 endpoints of default are live: the old ones"):
        stage.rotate("f" * 32)
    assert untouched(stage, "3" * 32)
    assert len(stage.stripe.standing) == LIVE_OF_A_NAME_MAX


def test_stripes_limit_of_16_is_respected_with_a_sentence(stage: RotatingStage) -> None:
    for number in range(16):
        stage.stripe.create(
            url="https://elsewhere.example",
            event_types=TYPES,
            metadata={},
            idempotency_key=f"theirs{number}",
            time_left=stage.clock.time_left(60),
        )
    with pytest.raises(RotationRefused, match="Stripe allows 16 webhook endpoints an account; 16"):
        stage.rotate(ONE)
    assert untouched(stage)
    assert len(stage.stripe.standing) == 16


def test_what_stripe_refuses_is_told_by_its_code_only(stage: RotatingStage) -> None:
    stage.faults.plan("create", StripeRefused("x", stripe_code="url_invalid", http_status=400))
    with pytest.raises(RotationRefused, match=r"refuses the endpoint of default \(url_invalid\)"):
        stage.rotate(ONE)
    assert untouched(stage)


def test_a_lost_answer_makes_no_second_endpoint(stage: RotatingStage) -> None:
    stage.faults.plan("create.after", OutcomeUnknown("lost"))
    with pytest.raises(OutcomeUnknown):
        stage.rotate(ONE)
    stage.rotate(ONE)
    assert list(stage.stripe.standing) == ["we_1"]
    assert stage.document.ids == {"we_1"}


def test_what_an_interrupted_rotation_left_is_found_and_deleted(stage: RotatingStage) -> None:
    """An operator took AWSPENDING off, and started a new one."""
    stage.rotate(ONE)
    stage.faults.plan("put", TryAgain("no answer"))
    with pytest.raises(TryAgain):
        stage.rotate(TWO)
    assert set(stage.stripe.standing) == {"we_1", "we_2"}
    del stage.secret.labelled[PENDING]
    stage.rotate(THREE)
    assert set(stage.stripe.standing) == stage.document.ids == {"we_1", "we_3"}
    assert stage.telemetry.counts["OrphanEndpointsDeleted"] == 1


def test_somebody_elses_endpoint_is_never_taken_for_left_over(stage: RotatingStage) -> None:
    for key, metadata in (("a", {}), ("b", {"paidonce_stage": "other"})):
        stage.stripe.create(
            url=URL,
            event_types=TYPES,
            metadata=metadata,
            idempotency_key=key,
            time_left=stage.clock.time_left(60),
        )
    stage.rotate(ONE)
    assert set(stage.stripe.standing) == {"we_1", "we_2", "we_3"}


def test_a_rotation_that_was_called_off_does_not_go_on(stage: RotatingStage) -> None:
    stage.rotate(ONE)
    with pytest.raises(RotationRefused, match="called off"):
        stage.rotation(Step.FINISH, TWO, time_left=stage.clock.time_left(60))


def test_a_document_that_cannot_be_read_is_not_written_over(stage: RotatingStage) -> None:
    stage.secret.versions[FIRST_VERSION] = '{"endpoints": [{"id": "we_1"}]}'
    with pytest.raises(RotationRefused, match="lacks name, secret, created"):
        stage.rotate(ONE)
    assert stage.stripe.standing == {}
    assert untouched(stage)


# --- crashes ------------------------------------------------------------------------------------


def calls_of_a_rotation(*, is_first: bool) -> int:
    stage = RotatingStage()
    if not is_first:
        stage.rotate(ONE)
    before = len(stage.faults.calls)
    stage.rotate(TWO)
    return len(stage.faults.calls) - before


@pytest.mark.parametrize("then", ["the same again", "called off, another"])
@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_after_a_crash_at_any_line_a_rotation_ends_right(
    then: str, *, is_after: bool, is_first: bool
) -> None:
    """Nothing at Stripe that the document does not hold, no secret lost, no label left."""
    calls = calls_of_a_rotation(is_first=is_first)
    assert calls > 10
    for number in range(1, calls + 1):
        stage = RotatingStage()
        if not is_first:
            stage.rotate(ONE)
        stage.faults.at, stage.faults.is_after = len(stage.faults.calls) + number, is_after
        with pytest.raises(Crash):
            stage.rotate(TWO)
        stage.faults.at = None
        if then == "the same again":
            stage.rotate(TWO)
        else:
            stage.secret.labelled.pop(PENDING, None)
            stage.rotate(THREE)
        ends_right(stage)
        assert stage.secret.labelled[CURRENT] == (TWO if then == "the same again" else THREE)


def ends_right(stage: RotatingStage) -> None:
    """One live endpoint that stays, the others within their overlap, each secret Stripe's own."""
    assert set(stage.stripe.standing) == stage.document.ids
    assert set(stage.secret.labelled) <= {CURRENT, PREVIOUS}
    newest, *others = stage.document.endpoints
    assert newest.retire_after is None
    assert all(one.retire_after for one in others)
    for one in stage.document.endpoints:
        assert one.secret == stage.stripe.secrets[one.id]
        assert stage.stripe.standing[one.id].is_enabled
