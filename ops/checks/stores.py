"""Tables and queues: are they there, do rows expire, can they be restored, what lies in them?"""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.at_stripe import AtStripe
from ops.checks.finding import Finding, asked, fail, ok, warn

# Each table by its output, and the attribute by which rows expire (infra/stacks/storage.py).
_TABLES = {
    "PaymentsTableName": "expires_at",
    "EventsTableName": "expires_at",
    "IdempotencyTableName": "expiration",
}
# Stripe lists events for 30 days and delivers for 3; one that is forgotten before is applied anew.
_LEDGER_DAYS_MIN = 33
_QUEUE = "QueueUrl"
_DEAD = f"DeadLetter{_QUEUE}"
_DEPLOY = "deploy this version: npx cdk deploy -c stage=… --all"


def tables(there: AtStripe) -> Iterator[Finding]:
    """Each table: there, with rows that expire, and restorable."""
    found: list[Finding] = []
    dynamodb = there.place.client("dynamodb")
    for output, attribute in _TABLES.items():
        with asked(f"table {output.removesuffix('TableName').lower()}", found):
            name = there.place.output(output)
            wrong = list(_of_table(dynamodb, name, attribute))
            found += wrong or [ok(f"table {name}", "there, rows expire, restorable to a moment")]
    yield from found
    yield _horizon(there)


def _of_table(dynamodb: Any, name: str, attribute: str) -> Iterator[Finding]:
    check = f"table {name}"
    status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    if status != "ACTIVE":
        yield warn(check, f"it is {status}", "wait, and look again")
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        yield fail(check, "its rows never expire", _DEPLOY)
    elif expiry.get("AttributeName") != attribute:
        yield fail(check, f"rows expire by {expiry['AttributeName']}, not {attribute}", _DEPLOY)
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        do = f"{_DEPLOY}; what was written before cannot be restored"
        yield fail(check, "it cannot be restored to a moment", do)


def _horizon(there: AtStripe) -> Finding:
    days = there.place.settings["retention.ledger_days"]
    if days < _LEDGER_DAYS_MIN:
        says = f"the ledger forgets after {days} days what Stripe may send for {_LEDGER_DAYS_MIN}"
        return fail("ledger", says, f"set retention.ledger_days to {_LEDGER_DAYS_MIN} or more")
    return ok("ledger", f"an event is known for {days} days; Stripe lists it for 30")


def queues(there: AtStripe) -> Iterator[Finding]:
    """Each queue: there, and how much lies in it. Dead letters fail until they are gone."""
    found: list[Finding] = []
    sqs = there.place.client("sqs")
    for output in sorted(name for name in there.place.outputs if name.endswith(_QUEUE)):
        url = there.place.output(output)
        check = f"queue {url.rpartition('/')[2]}"
        with asked(check, found):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            found.append(_of_queue(check, output, answer["Attributes"]))
    yield from found


def _of_queue(check: str, output: str, said: Mapping[str, str]) -> Finding:
    waits, works, later = (
        int(said.get(f"ApproximateNumberOfMessages{what}", 0))
        for what in ("", "NotVisible", "Delayed")
    )
    if not output.endswith(_DEAD):
        return ok(check, f"{waits} wait, {works} are being worked on, {later} come later")
    if dead := waits + works:
        do = "paidonce dlq ls (docs/runbook.md has a heading for each queue's dead letters)"
        return fail(check, f"{dead} dead letters", do)
    return ok(check, "empty")
