"""What happens whatever the aggregate: deliveries, invocations, time, secrets, losses, sweep."""

import base64
from typing import Any

from paidonce.domain.errors import TryAgain
from paidonce.domain.moment import seconds

from tests.simulation import consumers, entrances, reconciling, ways_out
from tests.simulation.at_stripe import sessions
from tests.simulation.hazards import Crash, Step
from tests.simulation.model_stripe import Happening, Webhook, chosen
from tests.simulation.record import ledger_lasts_seconds
from tests.simulation.simulated_sqs import SimulatedSqs
from tests.simulation.world import BEGINS_AT, Act, World

# How long the ledger remembers, as the product writes it.
LASTS_SECONDS = ledger_lasts_seconds()
RECEIVER_SECONDS, WORKER_SECONDS = 10, 60


def deliver(world: World, step: Step) -> None:
    """Stripe makes one of the attempts that are due, in any order."""
    due = world.stripe.due()
    if due:
        attempt(world, chosen(due, step.numbers[0]), step)


def attempt(world: World, webhook: Webhook, step: Step) -> None:
    """One HTTP request to the real handler of the receiver."""
    stripe = world.stripe
    stripe.webhooks.remove(webhook)
    world.deliveries += 1
    is_accepted = False
    try:
        with world.hazards.invocation(seconds=RECEIVER_SECONDS, faults=step.faults):
            request = _request(webhook.event, stripe.signed(webhook.event), world)
            answer = entrances.receive_webhook(request, world.context)
        is_accepted = answer["statusCode"] == 200
    except Crash:
        world.hazards.happened["receiver died"] += 1
    if is_accepted:
        world.accepted.add(webhook.event.id)
    else:
        stripe.try_later(webhook)


def _request(event: Happening, signature: str, world: World) -> dict[str, Any]:
    is_encoded = world.dice.upto(8) == 0
    body = base64.b64encode(event.payload) if is_encoded else event.payload
    return {
        "rawPath": "/webhooks/stripe",
        "headers": {"Stripe-Signature": signature},
        "body": body.decode(),
        "isBase64Encoded": is_encoded,
        "requestContext": {"requestId": f"req-{world.deliveries}"},
    }


def work(world: World, step: Step) -> None:
    """One invocation of the real handler of the worker, with what the queue shows."""
    _worked(world, step, world.sqs, entrances.apply_event)


def operate(world: World, step: Step) -> None:
    """The same of the real handler of run_operation, with what its queue shows."""
    _worked(world, step, world.operations, entrances.run_operation)


def _worked(world: World, step: Step, queue: SimulatedSqs, handle: entrances.Handle) -> None:
    size, pick, _ = step.numbers
    records = queue.received(size=size, pick=pick)
    if not records:
        return
    world.messages += len(records)
    if world.dice.upto(12) == 0:
        world.hazards.happened["message shown twice"] += 1
        queue.show_again(records[0]["messageId"])
    try:
        with world.hazards.invocation(seconds=WORKER_SECONDS, faults=step.faults):
            answer = handle({"Records": records}, world.context)
    except Crash:
        world.hazards.happened["worker died"] += 1
        return
    except TryAgain:
        # Lambda sees a failed invocation: every message comes again after its visibility timeout.
        world.hazards.happened["invocation failed"] += 1
        return
    failed = frozenset(f["itemIdentifier"] for f in answer["batchItemFailures"])
    queue.finish([record["messageId"] for record in records], failed)


def tick(world: World, step: Step) -> None:
    """A little time: tenths of a second."""
    world.clock.pause(step.numbers[0] / 10)


def jump(world: World, step: Step) -> None:
    """A lot of time, in which nothing of ours runs; then what has expired is gone."""
    world.hazards.happened["time jump"] += 1
    world.clock.pause(step.numbers[0])
    sessions.expire_all(world)
    expire(world)
    if step.numbers[0] >= 86_400:
        reconciling.repair(world, step.numbers[0])


def expire(world: World) -> None:
    """DynamoDB deletes final rows after their time; what they told was published long before."""
    now = world.clock.now()
    if now - BEGINS_AT < LASTS_SECONDS:
        return
    gone = [
        row.event_id
        for row in world.store.rows().values()
        # What is not published yet has no time to live.
        if row.outcome.is_final and not row.todo and seconds(row.decided_at) + LASTS_SECONDS < now
    ]
    world.store.forget(gone)
    world.forgotten.update(gone)


def roll(world: World, step: Step) -> None:
    """Another signing secret: known to us before, or only after Stripe signs with it alone."""
    stripe, secrets = world.stripe, world.secrets
    world.hazards.happened["secret roll"] += 1
    settle_secrets(world)
    new = f"signing-{step.numbers[-1]}"
    if step.numbers[0] % 2:
        stripe.signing = [*stripe.signing, new]
        secrets.pending = [new]
    else:
        stripe.signing = [new]


def settle_secrets(world: World) -> None:
    """The end of a roll: Stripe signs with the newest secret alone, and we have it."""
    newest = world.stripe.signing[-1]
    world.stripe.signing = [newest]
    world.secrets.stored = [newest]
    world.secrets.pending = []


def drop(world: World, step: Step) -> None:
    """A delivery that never comes."""
    webhooks = world.stripe.webhooks
    if webhooks:
        world.hazards.happened["webhook dropped"] += 1
        world.stripe.drop(chosen(webhooks, step.numbers[0]))


ACTS: dict[str, Act] = {
    "deliver": deliver,
    "work": work,
    "operate": operate,
    "tick": tick,
    "jump": jump,
    "roll": roll,
    "drop": drop,
    "replay": reconciling.replay,
    "publish": ways_out.publish,
    "reconcile": reconciling.reconcile,
    "consume": consumers.consume,
}
