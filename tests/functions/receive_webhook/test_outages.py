"""When the queue or the secrets do not answer, Stripe is asked to deliver again."""

from dataclasses import replace

from paidonce.domain.errors import TryAgain

from tests.fakes import FakeLetterbox
from tests.functions.receive_webhook.settings import QUEUE_URL, SECRET_NAME
from tests.functions.receive_webhook.stage import Stage, payload


def test_a_queue_that_is_away_is_503_and_the_redelivery_is_accepted(stage: Stage) -> None:
    wiring = stage.handler.wiring
    receiver, box = wiring.receive_webhook, FakeLetterbox()
    box.faults.plan("put", TryAgain("SQS did not answer"))
    wiring.receive_webhook = replace(receiver, letterbox=box)
    answer = stage.post(payload())
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["retry-after"]) > 0
    assert stage.post(payload())["statusCode"] == 200
    assert len(box.letters) == 1


def test_a_refused_send_message_is_5xx_and_the_redelivery_is_accepted(stage: Stage) -> None:
    """The queue itself is gone, which SQS calls a client error."""
    stage.sqs.delete_queue(QueueUrl=QUEUE_URL)
    assert stage.post(payload())["statusCode"] >= 500
    stage.sqs.create_queue(QueueName=QUEUE_URL.rpartition("/")[2])
    assert stage.post(payload())["statusCode"] == 200
    assert len(stage.queued()) == 1


def test_a_secret_that_is_gone_is_5xx_and_nothing_is_accepted(stage: Stage) -> None:
    stage.secrets.delete_secret(SecretId=SECRET_NAME, ForceDeleteWithoutRecovery=True)
    assert stage.post(payload())["statusCode"] >= 500
    assert stage.queued() == []
