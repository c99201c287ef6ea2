"""A shop that uses Paid Once from outside: its HTTP API, Stripe's library, boto3 for reads."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import httpx
import stripe
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_sqs import SQSClient
    from stripe import Event

T = TypeVar("T")

# Otherwise the library leaves an id of this machine in ~/.config/stripe, for Stripe's statistics.
stripe.enable_telemetry = False

# A warm event takes 0.2 s and a cold one 1 s (facts of the embedded AWS); a burst takes its time.
PATIENCE_SECONDS = 60.0


class NeverHappened(AssertionError):  # noqa: N818 - errors are facts
    """Something that had to come did not come in time."""


@dataclass(frozen=True)
class Shop:
    """The caller's side of one local cloud, as `.local/endpoints.json` describes it."""

    endpoints: Mapping[str, Any]

    # --- the API ---------------------------------------------------------------------------------

    @cached_property
    def http(self) -> httpx.Client:
        """A client of the stage's API with a token of all scopes."""
        return httpx.Client(
            base_url=self.endpoints["api_url"],
            headers={"Authorization": f"Bearer {self.endpoints['token']}"},
            timeout=60,
            limits=httpx.Limits(max_connections=32),
        )

    def post_payment(
        self, *, order_id: str, amount_minor: int = 1999, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """`POST /payments`; without a key each call has one of its own."""
        body = {"order_id": order_id, "amount_minor": amount_minor, "currency": "usd"} | more
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        return self.http.post("/payments", json=body, headers=headers)

    def new_payment(self, **values: Any) -> dict[str, Any]:
        """A payment just opened; raises for any answer but 201."""
        answer = self.post_payment(**({"order_id": f"order-{secrets.token_hex(6)}"} | values))
        if answer.status_code != httpx.codes.CREATED:
            raise NeverHappened(f"POST /payments answered {answer.status_code}: {answer.text}")
        found: dict[str, Any] = answer.json()["payment"]
        return found

    def payment(self, payment_id: str) -> dict[str, Any]:
        """`GET /payments/{id}`."""
        answer = self.http.get(f"/payments/{payment_id}").raise_for_status()
        found: dict[str, Any] = answer.json()["payment"]
        return found

    def payment_when(self, payment_id: str, status: str) -> dict[str, Any]:
        """The payment once it has this status."""
        return self.until(
            lambda: (p := self.payment(payment_id))["status"] == status and p,
            what=f"{payment_id} becomes {status}",
        )

    def deliver(self, payload: bytes, signature: str) -> httpx.Response:
        """Somebody's POST to the webhook."""
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return httpx.post(
            self.endpoints["webhook_url"], content=payload, headers=headers, timeout=30
        )

    # --- Stripe ----------------------------------------------------------------------------------

    @cached_property
    def stripe(self) -> stripe.StripeClient:
        """The official library, at the stand-in."""
        return stripe.StripeClient(
            self.endpoints["stripe_secret_key"],
            base_addresses={"api": self.endpoints["stripe_api_url"]},
            max_network_retries=0,
        )

    def confirm(self, intent_id: str, card: str = "pm_card_visa") -> None:
        """What the shopper's browser does; a declined card raises stripe.CardError."""
        self.stripe.v1.payment_intents.confirm(
            intent_id,
            {"payment_method": card, "return_url": "https://shop.example/thanks"},
        )

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One of the stand-in's own controls (`/_test/…`)."""
        answer = httpx.request(
            method,
            f"{self.endpoints['stripe_api_url']}/_test/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.endpoints['stripe_secret_key']}"},
            timeout=60,
        ).raise_for_status()
        return answer.json() if answer.content else None

    def events_about(self, object_id: str) -> "list[Event]":
        """Stripe's events about one object, newest first; an upcoming invoice has no id."""
        events = self.stripe.v1.events.list({"limit": 100}).auto_paging_iter()
        return [event for event in events if getattr(event.data.object, "id", None) == object_id]

    # --- AWS, read only --------------------------------------------------------------------------

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.endpoints["aws_access_key_id"],
            aws_secret_access_key=self.endpoints["aws_secret_access_key"],
            region_name=self.endpoints["region"],
        )

    @cached_property
    def _dynamodb(self) -> "DynamoDBServiceResource":
        return self._session.resource("dynamodb", endpoint_url=self.endpoints["aws_endpoint_url"])

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._session.client("sqs", endpoint_url=self.endpoints["aws_endpoint_url"])

    def client(self, service: str) -> Any:
        """A boto3 client of the stage's AWS."""
        return self._session.client(service, endpoint_url=self.endpoints["aws_endpoint_url"])  # type: ignore[call-overload] # any service

    def table(self, output: str) -> "Table":
        """A table by the name of its CloudFormation output."""
        return self._dynamodb.Table(self.endpoints["outputs"][output])

    def ledger(self, event_id: str) -> dict[str, Any] | None:
        """The ledger's row of an event."""
        found = self.table("EventsTableName").get_item(
            Key={"event_id": event_id}, ConsistentRead=True
        )
        return found.get("Item")

    def decided(self, event_id: str) -> dict[str, Any]:
        """The ledger's row once its outcome is final."""
        return self.until(
            lambda: (row := self.ledger(event_id)) and row["outcome"] not in UNDECIDED and row,
            what=f"{event_id} is decided",
        )

    def rows(self, output: str) -> Iterator[dict[str, Any]]:
        """Every item of a table: for the demo's last page, never in a request path."""
        paginator = self._dynamodb.meta.client.get_paginator("scan")
        for page in paginator.paginate(TableName=self.endpoints["outputs"][output]):
            yield from page["Items"]

    def secret(self, output: str) -> dict[str, Any]:
        """A secret's document by the name of its CloudFormation output."""
        client = self.client("secretsmanager")
        text = client.get_secret_value(SecretId=self.endpoints["outputs"][output])["SecretString"]
        found: dict[str, Any] = json.loads(text)
        return found

    def queue_depth(self, output: str) -> int:
        """Messages in a queue, in flight and delayed ones included."""
        found = self._sqs.get_queue_attributes(
            QueueUrl=self.endpoints["outputs"][output], AttributeNames=["All"]
        )["Attributes"]
        return (
            int(found["ApproximateNumberOfMessages"])
            + int(found["ApproximateNumberOfMessagesNotVisible"])
            + int(found["ApproximateNumberOfMessagesDelayed"])
        )

    # --- waiting ---------------------------------------------------------------------------------

    def until(
        self,
        condition: Callable[[], T | bool | None],
        *,
        what: str,
        seconds: float = PATIENCE_SECONDS,
    ) -> T:
        """Ask until the condition holds and answer what it found; raises NeverHappened."""
        retrying = Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_fixed(0.1),
            retry=retry_if_result(lambda found: not found),
        )
        try:
            found: Any = retrying(condition)
        except RetryError as error:
            raise NeverHappened(f"not within {seconds:.0f} s: {what}") from error
        return found  # type: ignore[no-any-return] # truthy, hence a T


UNDECIDED = ("waiting", "failing", "dead")
