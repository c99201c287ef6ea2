"""The events queue, over the fakes, moto and the local cloud."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from paidonce.adapters.sqs_queue import SqsEventQueue, SqsLetterbox
from paidonce.domain.errors import TryAgain
from paidonce.use_cases.ports import Delivery, EventQueue, Letter, Letterbox, LetterRefused

from tests.adapters.places import Place
from tests.fakes import FakeEventQueue, FakeLetterbox

ATTRIBUTES = {
    "event_id": "evt_1",
    "event_type": "payment_intent.succeeded",
    "livemode": "false",
    "account": "acct_1",
    "api_version": "2026-10-28.endive",
    "correlation_id": "c-1",
    "received_at": "2026-11-22T12:00:00.000Z",
}
WAITING = ATTRIBUTES | {
    "wait_attempt": "2",
    "first_seen": "2026-11-22T12:00:00.000Z",
    "wait_reason": "not_yet_known",
}
BODY = '{"id": "evt_1", "name": "Zoë \\u0000"}'

Message = tuple[str, Mapping[str, str]]


class Office(Protocol):
    """Both ports, and what lies in the queues behind them."""

    @property
    def queue(self) -> EventQueue:
        """The worker's side."""
        ...

    @property
    def letterbox(self) -> Letterbox:
        """The receiver's side."""
        ...

    def delivered(self) -> list[Delivery]:
        """What the worker is given next; each is hidden from then on."""
        ...

    def dead(self) -> list[Message]:
        """What lies in the dead letters."""
        ...


@dataclass
class FakeOffice:
    """The fakes, with what SQS does between them."""

    queue: FakeEventQueue = field(default_factory=FakeEventQueue)
    letterbox: FakeLetterbox = field(default_factory=FakeLetterbox)
    _hidden: set[str] = field(default_factory=set)

    def delivered(self) -> list[Delivery]:
        """See `Office.delivered`."""
        shown = [i for i, seconds in self.queue.hidden.items() if seconds == 0]
        self._hidden.difference_update(shown)
        self.queue.hidden.clear()
        letters: list[Message] = [(sent.body, sent.attributes) for sent in self.letterbox.letters]
        copies: list[Message] = [
            (sent.body, sent.attributes) for sent in self.queue.copies if not sent.delay_seconds
        ]
        found = [
            a_delivery(body, attributes, message_id=f"{kind}{n}")
            for kind, sent in (("letter", letters), ("copy", copies))
            for n, (body, attributes) in enumerate(sent)
        ]
        gone = self._hidden | set(self.queue.deleted)
        shown_now = [delivery for delivery in found if delivery.message_id not in gone]
        self._hidden.update(delivery.message_id for delivery in shown_now)
        return shown_now

    def dead(self) -> list[Message]:
        """See `Office.dead`."""
        return [(sent.body, sent.attributes) for sent in self.queue.buried]


class SqsOffice:
    """The adapters over two queues of their own."""

    def __init__(self, place: Place) -> None:
        self._client = place.client("sqs")
        self._url, self._dead_url = place.queue(), place.queue()
        self.letterbox: Letterbox = SqsLetterbox(self._client, queue_url=self._url)
        self.queue: EventQueue = SqsEventQueue(
            self._client, queue_url=self._url, dead_letter_queue_url=self._dead_url
        )

    def delivered(self) -> list[Delivery]:
        """See `Office.delivered`."""
        return [
            a_delivery(
                message["Body"],
                texts_of(message),
                message_id=message["MessageId"],
                receipt_handle=message["ReceiptHandle"],
            )
            for message in self._received(self._url)
        ]

    def dead(self) -> list[Message]:
        """See `Office.dead`."""
        return [(message["Body"], texts_of(message)) for message in self._received(self._dead_url)]

    def _received(self, url: str) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))


def texts_of(message: Any) -> dict[str, str]:
    return {k: v["StringValue"] for k, v in message.get("MessageAttributes", {}).items()}


def a_delivery(
    body: str, attributes: Mapping[str, str], *, message_id: str = "m1", receipt_handle: str = "r1"
) -> Delivery:
    return Delivery(
        message_id=message_id,
        receipt_handle=receipt_handle,
        receive_count=1,
        body=body,
        attributes=attributes,
        event_id="evt_1",
    )


@pytest.fixture
def office(place: Place | None) -> Office:
    return FakeOffice() if place is None else SqsOffice(place)


def test_a_letter_arrives_as_it_was_put(office: Office) -> None:
    office.letterbox.put(Letter(body=BODY, attributes=ATTRIBUTES))
    (delivery,) = office.delivered()
    assert (delivery.body, dict(delivery.attributes)) == (BODY, ATTRIBUTES)


def test_a_copy_carries_the_same_body_and_the_given_attributes(office: Office) -> None:
    """Ten attributes: all that SQS takes."""
    office.queue.send_copy(a_delivery(BODY, ATTRIBUTES), delay_seconds=0, attributes=WAITING)
    (delivery,) = office.delivered()
    assert (delivery.body, dict(delivery.attributes)) == (BODY, WAITING)
    assert len(WAITING) == 10


def test_a_delayed_copy_does_not_come_at_once(office: Office) -> None:
    office.queue.send_copy(a_delivery(BODY, ATTRIBUTES), delay_seconds=900, attributes=WAITING)
    assert office.delivered() == []


def test_a_buried_message_has_its_reason_in_place_of_its_attempt(office: Office) -> None:
    office.queue.bury(a_delivery(BODY, WAITING), reason="not_yet_known for 15 minutes")
    ((body, attributes),) = office.dead()
    expected = {k: v for k, v in WAITING.items() if k != "wait_attempt"}
    assert (body, dict(attributes)) == (
        BODY,
        expected | {"reason": "not_yet_known for 15 minutes"},
    )


def test_a_message_comes_back_when_it_was_hidden_for_no_time(office: Office) -> None:
    office.letterbox.put(Letter(body=BODY, attributes=ATTRIBUTES))
    (delivery,) = office.delivered()
    assert office.delivered() == []
    office.queue.hide(delivery, seconds=0)
    assert [again.body for again in office.delivered()] == [BODY]


def test_what_is_deleted_never_comes_back(office: Office) -> None:
    for _ in range(12):
        office.letterbox.put(Letter(body=BODY, attributes=ATTRIBUTES))
    taken = office.delivered() + office.delivered()
    assert len(taken) == 12
    office.queue.delete(taken[:11])
    office.queue.delete([])
    office.queue.hide(taken[11], seconds=0)
    assert [back.message_id for back in office.delivered()] == [taken[11].message_id]


# --- what SQS refuses -----------------------------------------------------------------------------


@dataclass
class StubbedSqs:
    """The adapters over a client whose answers are given one by one."""

    client: Any = field(
        default_factory=lambda: boto3.client(
            "sqs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
    )

    def refuses(self, operation: str, code: str, status: int = 400) -> Stubber:
        """The next such call gets this error."""
        stub = Stubber(self.client)
        stub.add_client_error(operation, code, http_status_code=status)
        return stub

    @property
    def letterbox(self) -> SqsLetterbox:
        """The receiver's side."""
        return SqsLetterbox(self.client, queue_url="https://sqs.test/q")

    @property
    def queue(self) -> SqsEventQueue:
        """The worker's side."""
        return SqsEventQueue(
            self.client, queue_url="https://sqs.test/q", dead_letter_queue_url="https://sqs.test/d"
        )


LETTER = Letter(body=BODY, attributes=ATTRIBUTES)


@pytest.mark.parametrize(
    "code",
    [
        "InvalidMessageContents",
        "InvalidParameterValue",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "com.amazonaws.sqs#InvalidMessageContents",
    ],
)
def test_a_body_that_sqs_will_never_take_is_refused(code: str) -> None:
    sqs = StubbedSqs()
    with sqs.refuses("send_message", code), pytest.raises(LetterRefused):
        sqs.letterbox.put(LETTER)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("RequestThrottled", 403),
        ("ThrottlingException", 400),
        ("KmsThrottled", 400),
        ("ServiceUnavailable", 503),
        ("AnythingNew", 500),
    ],
)
def test_what_is_temporary_is_try_again(code: str, status: int) -> None:
    sqs = StubbedSqs()
    with sqs.refuses("send_message", code, status), pytest.raises(TryAgain):
        sqs.letterbox.put(LETTER)


def test_what_is_a_mistake_of_ours_passes_through() -> None:
    sqs = StubbedSqs()
    for code in ("AccessDenied", "AWS.SimpleQueueService.NonExistentQueue", "KmsAccessDenied"):
        with sqs.refuses("send_message", code), pytest.raises(ClientError):
            sqs.letterbox.put(LETTER)


def test_no_connection_is_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.test")

    sqs = StubbedSqs()
    monkeypatch.setattr(sqs.client, "send_message", unreachable)
    with pytest.raises(TryAgain):
        sqs.letterbox.put(LETTER)


def test_a_delete_that_fails_in_part_is_try_again() -> None:
    sqs = StubbedSqs()
    stub = Stubber(sqs.client)
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    stub.add_response("delete_message_batch", {"Successful": [], "Failed": [failed]})
    with stub, pytest.raises(TryAgain):
        sqs.queue.delete([a_delivery(BODY, ATTRIBUTES)])


def test_an_empty_attribute_is_left_out(moto: Place) -> None:
    """SQS refuses one, and Stripe leaves account and version empty at times."""
    office = SqsOffice(moto)
    office.letterbox.put(Letter(body=BODY, attributes={"event_id": "evt_1", "account": ""}))
    (delivery,) = office.delivered()
    assert dict(delivery.attributes) == {"event_id": "evt_1"}


def test_a_body_over_sqs_own_limit_is_refused(moto: Place) -> None:
    office = SqsOffice(moto)
    with pytest.raises(LetterRefused):
        office.letterbox.put(Letter(body="x" * 1_100_000, attributes=ATTRIBUTES))
