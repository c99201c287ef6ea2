"""Known bugs, as patches of the product's source: what the proof must find.

Each is (file below `paidonce/`, what stands there, what stands there instead). A patch that does
not fit exactly once is an error: the product has moved on, and the bug must be planted anew.
"""

from dataclasses import dataclass
from pathlib import Path

RULE = "rules/payment_intent.py"
BOUNDS = "domain/sighting.py"
WORKER = "use_cases/apply_event.py"
BOOKS = "adapters/dynamodb_books.py"
CALL = "domain/stripe_call.py"
PAYMENT = "domain/payment.py"
OUTBOX = "adapters/dynamodb_outbox.py"
PUBLISHER = "use_cases/publish_changes.py"
RUNNER = "use_cases/run_operation.py"
ITEMS = "adapters/items.py"


@dataclass(frozen=True)
class Plant:
    """One bug. `is_fast`: found within seconds, so that `make test` shows it too."""

    name: str
    patches: tuple[tuple[str, str, str], ...]
    is_fast: bool = False

    def into(self, package: Path) -> None:
        """Change the copy of the package; raises ValueError for a patch that does not fit."""
        for file, old, new in self.patches:
            path = package / file
            text = path.read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {text.count(old)} places in {file} look like that")
            path.write_text(text.replace(old, new), encoding="utf-8")


PLANTS = (
    Plant(
        "created used to discard",
        (
            (
                BOUNDS,
                (
                    "            known.as_of_from is not None\n"
                    "            and known.as_of_from != known.as_of\n"
                    "            and self.as_of < known.as_of_from\n"
                ),
                (
                    "            known.as_of_from is not None\n"
                    "            and self.as_of <= known.as_of_from\n"
                ),
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "an unconditional state write",
        (
            (
                BOOKS,
                (
                    '                    "Item": aggregates.item_of(after),\n'
                    '                    "ConditionExpression": "#version = :read",\n'
                    '                    "ExpressionAttributeNames": {"#version": "version"},\n'
                    '                    "ExpressionAttributeValues": items.values('
                    "read=before.version),\n"
                ),
                '                    "Item": aggregates.item_of(after),\n',
            ),
        ),
    ),
    Plant(
        "a ledger row outside the transaction",
        (
            (
                BOOKS,
                (
                    "                for row in entry.rows\n            ),\n        ]\n"
                    "        if not actions:\n            return\n"
                ),
                (
                    "                for row in entry.rows if row.event_id in entry.replayed\n"
                    "            ),\n        ]\n"
                    "        for row in entry.rows:\n"
                    "            with asking('DynamoDB'):\n"
                    "                try:\n"
                    "                    self._client.put_item(**self._row_over(row, _NOT_FINAL))\n"
                    "                except ClientError as error:\n"
                    "                    if code_of(error) != 'ConditionalCheckFailedException':\n"
                    "                        raise\n"
                    "                    raise AlreadyApplied(row.event_id) from error\n"
                    "        if not actions:\n            return\n"
                ),
            ),
        ),
    ),
    Plant(
        "a wait copy sent inside the lease, which is believed",
        (
            (
                WORKER,
                (
                    "        if self.lease.hold(key, lambda: "
                    "self._settle(delivery, event_id)):\n"
                    "            return\n"
                ),
                (
                    "        def work() -> None:\n"
                    "            try:\n"
                    "                self._settle(delivery, event_id)\n"
                    "            except TryAgain as error:\n"
                    "                if not self.patience.wait(delivery, error):\n"
                    "                    raise\n"
                    "        self.lease.hold(key, work)\n"
                    "        return\n"
                ),
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "ack before the write",
        (
            (
                WORKER,
                "        work = _collapsed(deliveries)\n        first",
                (
                    "        work = _collapsed(deliveries)\n        self.queue.delete(work)\n"
                    "        first"
                ),
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "a fetched object reused after a conflict",
        (
            (
                "use_cases/decide_alone.py",
                (
                    "            seen = self._retrieved("
                    "wanted.resource or rule.resource, wanted.object_id)\n"
                ),
                (
                    "            kept = self.__dict__.setdefault('_kept', {})\n"
                    "            if event.id not in kept:\n"
                    "                kept[event.id] = self._retrieved(\n"
                    "                    wanted.resource or rule.resource, wanted.object_id\n"
                    "                )\n"
                    "            seen = kept[event.id]\n"
                ),
            ),
        ),
    ),
    Plant(
        "a batch fallback that forgets one event",
        (
            (
                WORKER,
                "            return [], deliveries, []\n",
                "            return [], deliveries[1:], []\n",
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "as_of taken as the fetch's Date alone",
        (
            (
                BOUNDS,
                "            and self.as_of < known.as_of_from\n",
                "            and self.as_of < known.as_of\n",
            ),
        ),
    ),
    Plant(
        "unchanged does not raise as_of",
        (
            (
                RULE,
                "    if taken == payment and not seen.is_after(payment):\n",
                "    if taken == payment:\n",
            ),
        ),
    ),
    Plant(
        "an unconditional waiting row",
        (
            (
                BOOKS,
                (
                    "                    **self._row_over(row, weaker), "
                    'ReturnValuesOnConditionCheckFailure="ALL_OLD"\n'
                ),
                (
                    "                    TableName=self._events_table,\n"
                    "                    Item=items.ledger_item(row, "
                    "ledger_days=self._ledger_days),\n"
                ),
            ),
        ),
    ),
    Plant(
        "a 1 h horizon of the ledger",
        (
            (
                ITEMS,
                "(datetime.fromisoformat(moment) + timedelta(days=days))",
                "(datetime.fromisoformat(moment) + timedelta(hours=1, days=days - days))",
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "a key used again after Stripe forgot it",
        (
            (
                CALL,
                (
                    "        return not self.is_spent and (first is None or "
                    "at - first < key_fresh_seconds)\n"
                ),
                "        return not self.is_spent\n",
            ),
        ),
    ),
    Plant(
        "a notice told twice",
        (
            (
                "use_cases/consume.py",
                "        return self.lease.hold(self.once(told), lambda: self.act(told))\n",
                "        self.act(told)\n        return True\n",
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "publishing forgets an entry that the bus refused",
        ((PUBLISHER, "        if codes:\n", "        if codes and not announced:\n"),),
        is_fast=True,
    ),
    Plant(
        "a marker taken off without a condition",
        (
            (
                OUTBOX,
                (
                    '                    ConditionExpression="decided_at = :seen AND '
                    'begins_with(todo, :publish)",\n'
                ),
                "",
            ),
        ),
    ),
    Plant(
        "a refund counted that failed",
        (
            (
                PAYMENT,
                "            if refund.status.stands and refund.status is not",
                "            if refund.status is not",
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "a refund of a stray counted",
        (
            (
                "rules/refund.py",
                "    if not payment.is_charged_by(seen.object):\n        return Verdict(",
                "    if False:\n        return Verdict(",
            ),
        ),
    ),
    Plant(
        "a dispute taken from its event as it comes",
        (
            (
                "rules/dispute.py",
                "    if seen.source is Source.PAYLOAD:\n",
                "    if seen.source is Source.PAYLOAD and known is None:\n",
            ),
        ),
    ),
    Plant(
        "a fraud refund for each event of a warning",
        (
            (
                "domain/fraud_refund.py",
                '        return f"ref_{fingerprint(FRAUD_KEY, self.warning_id)[:32]}"\n',
                (
                    "        import time\n\n"
                    '        return f"ref_{fingerprint(self.warning_id, time.time_ns())[:32]}"\n'
                ),
            ),
        ),
    ),
    Plant(
        "a stray's cancel given up while its bank decides",
        (
            (
                RUNNER,
                "            if ended_by(call, look.seen.object) is None:\n",
                "            if False:\n",
            ),
        ),
    ),
    Plant(
        "a stray's cancel tried again under the key that was refused",
        (
            (
                "domain/payment_calls.py",
                '    return replace(call, idempotency_key=f"{call.idempotency_key}_{at}")\n',
                "    return replace(call, idempotency_key=call.idempotency_key[: at or None])\n",
            ),
        ),
    ),
    Plant(
        "a late event takes a subscription back from canceled",
        (
            (
                "rules/subscription.py",
                "    if row.is_ended and not shown.is_ended:\n",
                "    if row.version == 0 and not row.status and row.is_ended:\n",
            ),
            (
                "rules/subscription.py",
                "        if not has_just_ended and not seen.is_after(row):\n",
                "        if has_just_ended and row.version == 0:\n",
            ),
            (
                "rules/subscription.py",
                "    return is_part or shown.looks_like(row)\n",
                "    return is_part or row.version > 0\n",
            ),
        ),
        is_fast=True,
    ),
    Plant(
        "why a renewal failed is never read",
        (("rules/invoice.py", "has_failed(found) and not row", "False and not row"),),
    ),
    Plant(
        "an invoice's latest event says how it stands",
        (
            (
                "domain/invoice.py",
                (
                    "        further = max(self, other, key=lambda one: "
                    '_RANK.get(one.status or "", -1))\n'
                ),
                "        further = other\n",
            ),
        ),
    ),
    Plant(
        "a renewal told again with every event",
        (
            (
                "domain/subscription.py",
                "            and bool(self.paid_renewals - before.paid_renewals),\n",
                "            and bool(self.paid_renewals),\n",
            ),
        ),
    ),
    Plant(
        "a deleted customer comes back",
        (("rules/customer.py", "    if row.deleted:\n", "    if row.deleted and row.email:\n"),),
    ),
    Plant(
        "a sweep that notes a page before it queues what the page lacks",
        (
            (
                "use_cases/sweep_events.py",
                "        self._send([event for",
                "        lacking = ([event for",
            ),
            (
                "use_cases/sweep_events.py",
                "            return self.sweeps.save(advanced, over=sweep), last.id\n",
                (
                    "            saved = self.sweeps.save(advanced, over=sweep)\n"
                    "            self._send(lacking)\n"
                    "            return saved, last.id\n"
                ),
            ),
            (
                "use_cases/sweep_events.py",
                "        done = sweep.group_done(",
                "        self._send(lacking)\n        done = sweep.group_done(",
            ),
        ),
    ),
)
