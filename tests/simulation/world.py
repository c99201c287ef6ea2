"""One world: the product's use cases over everything that they ask, on one clock."""

from collections.abc import Callable, Mapping
from typing import Any

from paidonce import rules
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.sqs_queue import SqsEventQueue, SqsLetterbox
from paidonce.domain import rulebook
from paidonce.use_cases.apply_event import ApplyEvent
from paidonce.use_cases.decide_alone import DecideAlone
from paidonce.use_cases.patience import Limits, Patience
from paidonce.use_cases.receive_webhook import ReceiveWebhook

from tests.simulation.api import Api, Ports
from tests.simulation.at_stripe import billing, intents, money_back, sessions
from tests.simulation.consumers import Consumers
from tests.simulation.dice import Dice
from tests.simulation.entrances import Context, receiver_wiring, reconciler_wiring
from tests.simulation.hazards import Hazards, Step
from tests.simulation.model_stripe import ModelStripe
from tests.simulation.operations import STAGE, Notes, runner
from tests.simulation.outside import (
    VISIBILITY_SECONDS,
    Calls,
    Gateway,
    SecretStore,
    SimulatedLease,
    Tally,
    WorldClock,
)
from tests.simulation.reconciling import Reconciling, WorldSearch
from tests.simulation.record import DynamoDbStore, FakeStore, Guarded, Record
from tests.simulation.simulated_sqs import DEAD_LETTERS, EVENTS, OPERATIONS, SimulatedSqs
from tests.simulation.ways_out import WaysOut

rulebook.load(rules)

# A moment between two seconds: nothing may rest on whole ones.
BEGINS_AT = 1_790_000_000.4
LIMITS = Limits(
    wait_delays_seconds=(5, 15, 45, 120, 300, 900),
    not_yet_known_max_seconds=900,
    try_again_max_seconds=86_400,
    failing_delays_seconds=(10, 30, 120, 600),
    tries_max=5,
)

Act = Callable[["World", Step], None]
POSTS = {**intents.POSTS, **money_back.POSTS, **sessions.POSTS, **billing.POSTS}


class World:
    """Everything that is, and `perform`, which lets a step happen. `acts` finds a step's code."""

    def __init__(self, acts: Mapping[str, Act], *, skew: float, is_deep: bool) -> None:
        self.acts = acts
        self.clock = WorldClock(BEGINS_AT)
        self.dice = Dice(0)
        self.record = Record()
        self.tally = Tally()
        self.stripe = ModelStripe(
            self.clock.now, enabled=frozenset(rulebook.event_types()), skew=skew
        )
        self.sqs, self.operations = (
            SimulatedSqs(
                self.clock.now, visibility_seconds=VISIBILITY_SECONDS, receives_max=LIMITS.tries_max
            )
            for _ in (EVENTS, OPERATIONS)
        )
        self.hazards = Hazards(now=self.clock.now, pass_time=self.clock.pause, perform=self.perform)
        self.secrets = SecretStore(self.clock)
        self.store: Any = (
            DynamoDbStore(self.record, self.clock) if is_deep else FakeStore(self.record)
        )
        self.accepted: set[str] = set()
        self.forgotten: set[str] = set()
        self.replayed: set[str] = set()
        self.step_number = 0
        self.deliveries = 0
        self.messages = 0
        self.wrong: list[str] = []
        self._wire()
        self.ways_out = WaysOut(self)
        self.store.changed = self.ways_out.stream.wrote

    def perform(self, step: Step) -> None:
        """Let a step happen, maybe in the middle of another one."""
        self.step_number = step.numbers[-1]
        outer, self.dice = self.dice, Dice(self.step_number)
        try:
            self.acts[step.name](self, step)
        finally:
            self.dice = outer

    def _wire(self) -> None:
        names = ("send_message", "delete_message_batch", "change_message_visibility")
        sqs = self.guarded(self.sqs, *names)
        operations_sqs = self.guarded(self.operations, *names)
        self.letterbox = SqsLetterbox(sqs, queue_url=EVENTS)
        self.reader = Calls(self.stripe, self.clock)
        ports = self._ports(operations_sqs)
        queue = SqsEventQueue(sqs, queue_url=EVENTS, dead_letter_queue_url=DEAD_LETTERS)
        self.apply_event = self._worker(ports.books, queue)
        self.consumers = Consumers(
            self, books=ports.books, payments=ports.payments, operations=ports.operations
        )
        self.api = Api(self, ports)
        self.run_operation = runner(
            self,
            ports,
            carry_out=self.api.carry_out,
            queue=SqsEventQueue(
                operations_sqs, queue_url=OPERATIONS, dead_letter_queue_url=DEAD_LETTERS
            ),
        )
        self.context = Context(self)
        self.reconciling = Reconciling(self, books=ports.books, sqs=sqs)
        self._enter()

    def _ports(self, operations_sqs: Any) -> Ports:
        books, payments = self.store.ports(self.hazards)
        gateway = Gateway(self.stripe, self.clock, self, POSTS)
        during = {
            "retrieve.before": self.hazards.guarded("look before", lambda: None),
            "retrieve.after": self.hazards.guarded("look after", lambda: None),
            "create.after": self.hazards.guarded("create_intent", lambda: None),
        }
        self.reader.during = gateway.during = lambda name: during[name]()
        return Ports(
            books=books,
            payments=payments,
            requests=self.store.requests(self.hazards),
            gateway=self.guarded(gateway, "create_intent", "intent", "send", "get", "listed"),
            operations=SqsOperationQueue(operations_sqs, queue_url=OPERATIONS, clock=self.clock),
            notes=Notes.of(self, books, payments),
        )

    def _enter(self) -> None:
        """This world is the one that the entrances lead to."""
        reconciler_wiring.telemetry = self.tally
        reconciler_wiring.reconcile = self.reconciling.reconcile
        receiver_wiring.telemetry = self.tally
        receiver_wiring.receive_webhook = ReceiveWebhook(
            secrets=self.guarded(self.secrets, "current", "refreshed"),
            letterbox=self.letterbox,
            clock=self.clock,
            telemetry=self.tally,
            age_max_seconds=300,
            ahead_max_seconds=60,
        )

    def guarded(self, port: object, *names: str) -> Any:
        """The port or client with hazards before each call; mypy cannot see its methods."""
        return Guarded(port, self.hazards, *names)

    @property
    def queues(self) -> list[SimulatedSqs]:
        """Every queue that a function reads."""
        return [self.sqs, self.operations, *(c.queue for c in self.consumers.all.values())]

    def lease(self) -> Any:
        """The leases of one function."""
        lease = SimulatedLease(self.clock, lambda: self.hazards.deadline)
        return self.guarded(lease, "hold")

    def patience(self, books: Any, queue: SqsEventQueue, limits: Limits) -> Patience:
        """What becomes of messages of this queue that have to wait, or fail."""
        return Patience(
            books=books,
            queue=queue,
            clock=self.clock,
            telemetry=self.tally,
            jitter=self.jitter,
            limits=limits,
            livemode=STAGE.livemode,
        )

    def _worker(self, books: Any, queue: SqsEventQueue) -> ApplyEvent:
        search: Any = WorldSearch(self)
        return ApplyEvent(
            books=books,
            queue=queue,
            lease=self.lease(),
            decide_alone=DecideAlone(
                books=books,
                search=search,
                reader=self.guarded(self.reader, "retrieve", "event"),
                clock=self.clock,
                telemetry=self.tally,
                stage=STAGE,
                foreign_pointer_seconds=30 * 86_400,
            ),
            patience=self.patience(books, queue, LIMITS),
            clock=self.clock,
            telemetry=self.tally,
            jitter=self.jitter,
            seconds_for_two_calls=10,
        )

    def jitter(self) -> float:
        """From 0 to 1, by the step's dice."""
        return self.dice.fraction()
