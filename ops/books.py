"""The books, the queues and Stripe of one place, as the operator's use cases need them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_ledger_search import DynamoDbLedgerSearch
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks
from paidonce.adapters.secret_versions import StoredSecretVersions
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.sqs_dead_letters import SqsDeadLetters
from paidonce.adapters.sqs_references import SqsReferences
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway, StripeSdkReader
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.domain.policy import Policy
from paidonce.use_cases.dead_letters import DeadLetterDesk
from paidonce.use_cases.decide_alone import DecideAlone
from paidonce.use_cases.explain import Explain
from paidonce.use_cases.forget_person import ForgetPerson
from paidonce.use_cases.preview_event import PreviewEvent
from paidonce.use_cases.read_again import ReadAgain
from paidonce.use_cases.verify import Progress, Verify

from ops.at_stripe import QuietTelemetry
from ops.place import SECRETS, Place

_CALL_TIMEOUT_SECONDS = 10.0
# The queues that have dead letters an operator can send back: (dead letters, where they came from).
QUEUES = {
    "events": ("EventsDeadLetterQueueUrl", "EventsQueueUrl"),
    "operations": ("OperationsDeadLetterQueueUrl", "OperationsQueueUrl"),
}


@dataclass(frozen=True)
class Desk:
    """Adapters and use cases over one place."""

    place: Place

    @cached_property
    def clock(self) -> SystemClock:
        """The machine's own."""
        return SystemClock()

    @cached_property
    def stage(self) -> Stage:
        """As the worker knows it."""
        settings = self.place.settings
        return Stage(
            name=settings.stage,
            livemode=settings.livemode,
            account=settings["stripe.account"] or None,
            adopt=settings["subscriptions.adopt"],
            policy=Policy(
                grace_days=settings["subscriptions.grace_days"],
                unpaid=settings["subscriptions.unpaid_may_use"],
                paused=settings["subscriptions.paused_may_use"],
            ),
        )

    @cached_property
    def books(self) -> DynamoDbBooks:
        """State and ledger."""
        return DynamoDbBooks(
            self._dynamodb,
            payments_table=self.place.output("PaymentsTableName"),
            events_table=self.place.output("EventsTableName"),
            ledger_days=self.place.settings["retention.ledger_days"],
            clock=self.clock,
        )

    @cached_property
    def search(self) -> DynamoDbLedgerSearch:
        """The ledger's indexes."""
        return DynamoDbLedgerSearch(
            self._dynamodb, events_table=self.place.output("EventsTableName")
        )

    @property
    def explain(self) -> Explain:
        """Why something is as it is."""
        settings = self.place.settings
        return Explain(
            books=self.books,
            search=self.search,
            secrets=[
                StoredSecretVersions(self.place.secrets_manager, arn=self.place.arn(name))
                for name in SECRETS
            ],
            secret_cache_seconds=settings["worker.secret_cache_seconds"],
            stage=self.stage,
            clock=self.clock,
        )

    @property
    def preview(self) -> PreviewEvent:
        """What deciding an event anew would change."""
        return PreviewEvent(
            decide_alone=DecideAlone(
                books=self.books,
                search=self.search,
                reader=self.reader,
                clock=self.clock,
                telemetry=QuietTelemetry(),
                stage=self.stage,
                foreign_pointer_seconds=self._days("retention.foreign_pointer_days"),
            )
        )

    def verify(self, tell: Progress) -> Verify:
        """The comparison of our books with Stripe's."""
        return Verify(
            books=self.books,
            gateway=self.gateway,
            clock=self.clock,
            stage=self.stage,
            event_types=rulebook.event_types(),
            settle_seconds=self.place.settings["verify.settle_seconds"],
            tell=tell,
        )

    @property
    def read_again(self) -> ReadAgain:
        """Has the worker look again at what differs."""
        return ReadAgain(references=self.references, clock=self.clock, livemode=self.stage.livemode)

    @property
    def forget_person(self) -> ForgetPerson:
        """Blanks who a person is."""
        table = self.place.output("PaymentsTableName")
        return ForgetPerson(
            books=self.books,
            search=self.search,
            payments=DynamoDbPaymentBooks(self._dynamodb, payments_table=table, clock=self.clock),
            requests=DynamoDbRequestBooks(self._dynamodb, payments_table=table),
            clock=self.clock,
            note=self.dead_letter_desk("events").note,
        )

    def dead_letters(self, queue: str) -> SqsDeadLetters:
        """Those of `events` or `operations`."""
        dead, alive = QUEUES[queue]
        return SqsDeadLetters(
            self._sqs,
            dead_letter_queue_url=self.place.output(dead),
            queue_url=self.place.output(alive),
        )

    def dead_letter_desk(self, queue: str) -> DeadLetterDesk:
        """What can be done with them."""
        return DeadLetterDesk(
            letters=self.dead_letters(queue), books=self.books, clock=self.clock, stage=self.stage
        )

    @cached_property
    def references(self) -> SqsReferences:
        """The events queue, for what is sent again."""
        return SqsReferences(
            self._sqs, queue_url=self.place.output("EventsQueueUrl"), clock=self.clock
        )

    @cached_property
    def reader(self) -> StripeSdkReader:
        """Stripe by the reader's key, in the reconciler's share of the rate limit."""
        return StripeSdkReader(
            self._calls, budget=self._budget, timeout_seconds=_CALL_TIMEOUT_SECONDS
        )

    @cached_property
    def gateway(self) -> StripeSdkGateway:
        """The same for lists."""
        return StripeSdkGateway(
            self._calls,
            clock=self.clock,
            telemetry=QuietTelemetry(),
            call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
            budget=self._budget,
        )

    @cached_property
    def _calls(self) -> StripeCalls:
        return StripeCalls(
            StripeKey(
                self.place.secrets_manager,
                arn=self.place.arn("reader"),
                cache_seconds=60,
                telemetry=QuietTelemetry(),
            ),
            base_url=self.place.stripe_api_url,
            clock=self.clock,
            telemetry=QuietTelemetry(),
            api_version=self.place.settings["stripe.api_version"],
        )

    @cached_property
    def _budget(self) -> Budget:
        counter = DynamoDbCounter(
            self._dynamodb,
            payments_table=self.place.output("PaymentsTableName"),
            clock=self.clock,
        )
        per_second: int = self.place.settings["budgets.reconcile_per_second"]
        return Budget(counter, self.clock, use="reconcile", per_second=per_second)

    @cached_property
    def _dynamodb(self) -> Any:
        return self.place.client("dynamodb")

    @cached_property
    def _sqs(self) -> Any:
        return self.place.client("sqs")

    def _days(self, key: str) -> int:
        return int(self.place.settings[key]) * 86_400
