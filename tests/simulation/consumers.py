"""Who listens to the bus: notify and answer_fraud_warning, each behind a queue of its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from paidonce.adapters.sns_notices import SnsNotices
from paidonce.domain.fraud_refund import FraudRefund
from paidonce.domain.notice import Audience
from paidonce.use_cases.answer_fraud_warning import AnswerFraudWarning
from paidonce.use_cases.consume import Consume
from paidonce.use_cases.notify import Notify

from tests.simulation import entrances
from tests.simulation.hazards import Crash, Step
from tests.simulation.operations import STAGE
from tests.simulation.outside import SimulatedLease
from tests.simulation.simulated_sqs import SimulatedSqs

# stages.toml, consumers and fraud (a test compares).
VISIBILITY_SECONDS, TRIES_MAX, TIMEOUT_SECONDS, REMEMBERED_DAYS = 180, 5, 30, 30
REFUND_UP_TO_MINOR = 1001
# infra/features/notices.py and fraud_warnings.py (a test compares).
NOTICED = (
    "dispute.lost",
    "dispute.opened",
    "dispute.won",
    "payment.paid",
    "refund.failed",
    "subscription.past_due",
)
WARNED = ("fraud.warned",)


class SimulatedSns:
    """SNS as its client shows it: `sent` counts the notices by their id and kind."""

    def __init__(self) -> None:
        self.sent: Counter[tuple[str, str]] = Counter()

    def publish(self, *, MessageAttributes: Mapping[str, Any], **_: object) -> None:  # noqa: N803 - boto3's own names
        """One more."""
        notice_id, kind = (MessageAttributes[n]["StringValue"] for n in ("notice_id", "kind"))
        self.sent[notice_id, kind] += 1


class Consumer:
    """One queue and the function that reads it."""

    def __init__(self, world: Any, *, handle: entrances.Handle, consume: Consume) -> None:
        self.queue = SimulatedSqs(
            world.clock.now, visibility_seconds=VISIBILITY_SECONDS, receives_max=TRIES_MAX
        )
        self.handle = handle
        self.consume = consume


class Consumers:
    """Those of a world."""

    def __init__(self, world: Any, *, books: Any, payments: Any, operations: Any) -> None:
        self.sns = SimulatedSns()
        # Messages whose consumer was killed, or not answered: it may send again.
        self.doubtful: set[str] = set()
        self._world = world
        sns = world.guarded(self.sns, "publish")
        notices = SnsNotices(sns, topics=dict.fromkeys(Audience, "topic"))
        self.all = {
            "notify": Consumer(
                world,
                handle=entrances.notify,
                consume=self._consume(Notify(notices=notices, telemetry=world.tally)),
            ),
            "answer_fraud_warning": Consumer(
                world,
                handle=entrances.answer_fraud_warning,
                consume=self._consume(
                    AnswerFraudWarning(
                        payments=payments,
                        books=books,
                        operations=operations,
                        notices=notices,
                        clock=world.clock,
                        telemetry=world.tally,
                        stage=STAGE,
                        jitter=world.jitter,
                        refund_up_to_minor=REFUND_UP_TO_MINOR,
                    ),
                    once=lambda told: FraudRefund.of(told).once,
                ),
            ),
        }

    def _consume(self, act: Callable[..., None], **named: Any) -> Consume:
        world = self._world
        lease = SimulatedLease(
            world.clock,
            lambda: world.hazards.deadline,
            remembered_seconds=REMEMBERED_DAYS * 86_400,
        )
        guarded = world.guarded(lease, "hold")
        return Consume(lease=guarded, telemetry=world.tally, act=act, **named)

    @property
    def targets(self) -> dict[str, list[SimulatedSqs]]:
        """The rules on the bus."""
        told = {kind: [self.all["notify"].queue] for kind in NOTICED}
        return told | {kind: [self.all["answer_fraud_warning"].queue] for kind in WARNED}


def consume(world: Any, step: Step) -> None:
    """One invocation of a consumer's real handler, with what its queue shows."""
    size, pick, _ = step.numbers
    consumers = [c for c in world.consumers.all.values() if c.queue.messages]
    if not consumers:
        return
    consumer = consumers[pick % len(consumers)]
    records = consumer.queue.received(size=size, pick=pick)
    if not records:
        return
    world.context.consume = consumer.consume
    troubles = sum(world.hazards.happened.values())
    try:
        with world.hazards.invocation(seconds=TIMEOUT_SECONDS, faults=step.faults):
            answer = consumer.handle({"Records": records}, world.context)
    except Crash:
        world.hazards.happened["consumer died"] += 1
    else:
        failed = frozenset(f["itemIdentifier"] for f in answer["batchItemFailures"])
        consumer.queue.finish([record["messageId"] for record in records], failed)
    if sum(world.hazards.happened.values()) != troubles:
        world.consumers.doubtful.update(record["body"] for record in records)
