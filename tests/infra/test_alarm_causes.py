"""Every alarm can ring: each has a test that drives its cause and asserts the metric's name.

That the metric's line then moves the alarm, on the embedded AWS, is tests/local_aws/
test_alarms_of_the_stage.py. Alarms on metrics that AWS makes have no cause of ours: for each kind
it is said what is shown instead, and docs/decisions/0016 lists what is not shown at all.
"""

import ast
from pathlib import Path

import pytest

from tests.house.test_deployment import metrics_of
from tests.infra.templates import ROOT, Assembly

TELLING = "tests/functions/receive_webhook/test_telling.py::"
CASES = "tests/use_cases/test_"
# A metric of ours, and the test that does what makes it.
CAUSES = {
    "SignatureRefused": f"{TELLING}test_what_is_refused_is_counted_and_one_line",
    "WebhookFailed": f"{TELLING}test_a_bug_is_500_and_told_once_without_its_text",
    "WebhookNotQueued": f"{TELLING}test_what_could_not_be_queued_is_counted_and_one_line",
    "InternalErrors": (
        "tests/functions/payments_api/test_post_payment.py::"
        "test_a_bug_is_500_without_a_word_about_it"
    ),
    "CreationsTooOld": (
        f"{CASES}take_payment.py::"
        "test_an_idempotency_key_that_stripe_may_have_forgotten_is_never_sent_again"
    ),
    "DeadEvents": f"{CASES}patience.py::test_waits_grow_longer_and_end_dead_with_a_reason",
    "UnknownApiVersion": (
        f"{CASES}api_versions.py::test_an_unknown_version_is_counted_once_for_its_event_and_decided"
    ),
    "PublishFailures": (
        f"{CASES}publish_changes.py::test_a_refused_entry_is_a_failure_and_its_neighbours_are_told"
    ),
    "NewKeyRefused": f"{CASES}rotate_key.py::test_a_wrong_key_is_refused_and_nothing_stays_of_it",
    "KeyTooOld": f"{CASES}rotate_key.py::test_a_key_in_use_that_is_too_old_is_told_and_stays",
    "RotationOverdue": f"{CASES}retire_endpoints.py::test_what_is_late_is_told",
    "SuccessorMissing": (
        f"{CASES}retire_endpoints.py::test_nothing_goes_whose_successor_stripe_does_not_deliver_to"
    ),
    "Silence": f"{CASES}reconcile.py::test_silence_is_a_window_of_which_nothing_at_all_arrived",
    "EndpointsDisabled": (
        f"{CASES}reconcile.py::test_an_endpoint_of_ours_that_stripe_disabled_is_told"
    ),
    "MissingEventsQueued": (
        f"{CASES}sweep_events.py::test_what_has_no_row_is_queued_and_what_has_one_is_not"
    ),
    "Drift": (
        f"{CASES}reconcile.py::test_what_differs_is_told_and_read_again_and_the_window_moves_on"
    ),
    "UnreconciledSeconds": f"{CASES}reconcile.py::test_how_far_behind_we_are_is_told_each_time",
    "DeadRows": (
        f"{CASES}count_dead.py::test_all_are_counted_and_the_age_is_since_the_oldest_first_came"
    ),
    "DeadRowsOldestSeconds": (
        f"{CASES}count_dead.py::test_all_are_counted_and_the_age_is_since_the_oldest_first_came"
    ),
    "EventsForeign": (
        f"{CASES}whose_event.py::"
        "test_somebody_else_s_parent_is_read_once_and_remembered_for_a_month"
    ),
    "PaymentsPaid": (
        f"{CASES}publish_changes.py::test_how_payments_end_is_counted_where_each_change_is_told_once"
    ),
    "PaymentsFailed": (
        f"{CASES}publish_changes.py::test_how_payments_end_is_counted_where_each_change_is_told_once"
    ),
    "IntentMismatch": (
        f"{CASES}take_payment.py::test_an_answer_with_another_intent_than_the_rows_raises_an_alarm"
    ),
    "DisputesOpened": (
        f"{CASES}apply_disputes.py::"
        "test_all_that_stripe_says_of_one_dispute_in_one_batch_is_told_once_each"
    ),
    "FraudWarnings": (
        "tests/domain/test_fraud_warning_rule.py::test_an_actionable_warning_is_recorded_and_told"
    ),
    "PaidTwice": (
        f"{CASES}run_operation_messages.py::test_a_stray_that_was_paid_meanwhile_is_told_of"
    ),
    "AmountMismatch": f"{CASES}apply_event.py::test_another_amount_is_an_alarm_and_never_paid",
    "PaidAndCanceled": (
        "tests/domain/test_payment_intent_rule.py::"
        "test_paid_and_canceled_both_seen_is_an_alarm_and_changes_nothing"
    ),
    "InvalidRequest": (
        "tests/adapters/test_operations.py::test_a_state_that_does_not_allow_it_wakes_nobody"
    ),
    "StripeKeyRefused": (
        "tests/adapters/test_stripe_gateway.py::"
        "test_a_key_that_stays_refused_is_not_tried_a_third_time"
    ),
    "BreakerOpen": (
        "tests/adapters/test_breaker.py::"
        "test_it_opens_within_one_request_after_each_version_was_tried"
    ),
    "StripePermissionDenied": (
        "tests/adapters/test_stripe_gateway.py::test_a_missing_permission_is_refused_at_once"
    ),
    "StripeThrottled": (
        "tests/adapters/test_stripe_reader.py::test_every_request_leaves_one_line_of_ids_and_words"
    ),
}
# A metric of AWS's, and the test that shows the like of it on the embedded AWS.
LOCAL = "tests/local_aws/test_"
OF_AWS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): (
        f"{LOCAL}alarms_of_the_stage.py::"
        "test_each_rings_for_what_its_function_writes_or_for_what_lies_in_its_queue"
    ),
    ("AWS/Lambda", "Errors"): (
        f"{LOCAL}metrics_and_alarms.py::test_invocations_and_errors_of_a_function_are_counted"
    ),
}
# What no test here makes happen: docs/decisions/0016-what-wakes-somebody.md says why.
NOT_SHOWN = {
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/Lambda", "Duration"),
    ("AWS/Lambda", "IteratorAge"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/ApiGateway", "5xx"),
}


def watched(prod: Assembly) -> set[tuple[str, str]]:
    return {
        (metric["Namespace"], metric["MetricName"])
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(alarm)
    }


def test_every_alarm_has_a_cause_that_a_test_drives(prod: Assembly) -> None:
    found = watched(prod)
    assert {name for namespace, name in found if namespace == "PaidOnce"} == CAUSES.keys()
    of_aws = {metric for metric in found if metric[0] != "PaidOnce"}
    assert of_aws == OF_AWS.keys() | NOT_SHOWN
    written = (ROOT / "docs" / "decisions" / "0016-what-wakes-somebody.md").read_text()
    assert {name for _, name in NOT_SHOWN if f"`{name}`" not in written} == set()


def source_of(node: str) -> str:
    """The text of one test, with what parametrises it; empty when there is none."""
    place, _, name = node.partition("::")
    text = Path(ROOT / place).read_text()
    for one in ast.parse(text).body:
        if isinstance(one, ast.FunctionDef) and one.name == name:
            begins = min([one.lineno, *(d.lineno for d in one.decorator_list)])
            return "\n".join(text.splitlines()[begins - 1 : one.end_lineno])
    return ""


@pytest.mark.parametrize("metric", sorted(CAUSES))
def test_the_test_is_there_and_names_the_metric(metric: str) -> None:
    assert f'"{metric}"' in source_of(CAUSES[metric])


@pytest.mark.parametrize("node", sorted(OF_AWS.values()))
def test_what_is_shown_on_the_embedded_aws_is_there(node: str) -> None:
    assert source_of(node)
