"""A queue by the rules of the house: encrypted, bounded, and never without dead letters."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.blocks.checks import accept
from infra.stage import Stage

# SQS's own limit, 1 MiB; its default is a quarter of that.
MESSAGE_BYTES_MAX = 1_048_576


def dead_letter_queue(scope: Construct, construct_id: str, *, stage: Stage, name: str) -> sqs.Queue:
    """A queue that nobody reads but people: what was given up, for the stage's days."""
    queue = sqs.Queue(
        scope,
        construct_id,
        queue_name=stage.named(name),
        retention_period=Duration.days(stage.retention.dead_letter_days),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=stage.enforce_ssl,
        max_message_size_bytes=MESSAGE_BYTES_MAX,
    )
    _accept_plain_http(queue, stage)
    return queue


class HouseQueue(Construct):
    """A standard queue and its dead letters.

    Encrypted with SQS's own key: it costs nothing, where a customer key is a KMS call for each
    sender and receiver every few minutes and one more thing that an event source must be granted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        name: str,
        visibility_seconds: int,
        tries_max: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", stage=stage, name=f"{name}-dead")
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=stage.named(name),
            retention_period=Duration.days(stage.retention.queue_days),
            visibility_timeout=Duration.seconds(visibility_seconds),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=stage.enforce_ssl,
            max_message_size_bytes=MESSAGE_BYTES_MAX,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=tries_max
            ),
        )
        _accept_plain_http(self.queue, stage)


def _accept_plain_http(queue: sqs.Queue, stage: Stage) -> None:
    if not stage.enforce_ssl:
        accept(queue, "SQS4", "The embedded AWS speaks plain HTTP on 127.0.0.1.")
