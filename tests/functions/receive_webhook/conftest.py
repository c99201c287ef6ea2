"""The receiver as Lambda loads it, with the environment of a stage."""

import io
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

import boto3
import pytest
from moto import mock_aws

from tests.fakes import FakeClock
from tests.functions.as_lambda import Context, cold_start, forget, set_environment
from tests.functions.receive_webhook.settings import ENVIRONMENT, QUEUE_URL, SECRET_NAME
from tests.functions.receive_webhook.stage import NOW, OLD, Stage, document


class StdoutOfNow(io.TextIOBase):
    """Where pytest looks at the moment of writing."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


@pytest.fixture
def context() -> Context:
    return Context("receive_webhook")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Import the handler anew, as a cold start does, with these changes to the environment."""
    before = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "receive_webhook"
    }

    def start_anew(**changes: str) -> ModuleType:
        set_environment(monkeypatch, ENVIRONMENT | changes)
        handler = cold_start("receive_webhook")
        [output] = logging.getLogger("receive_webhook").handlers
        output.setStream(StdoutOfNow())  # type: ignore[attr-defined]  # it is a StreamHandler
        return handler

    yield start_anew
    forget("receive_webhook")
    sys.modules.update(before)


@pytest.fixture
def start(load: Callable[..., ModuleType], context: Context) -> Iterator[Callable[..., Stage]]:
    """Make a stage whose secret holds these secrets."""
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        secrets = boto3.client("secretsmanager", region_name="us-east-1")

        def started(*live: str | tuple[str, str], **environment: str) -> Stage:
            made = sqs.create_queue(
                QueueName=QUEUE_URL.rpartition("/")[2],
                Attributes={"MaximumMessageSize": "1048576"},
            )
            assert made["QueueUrl"] == QUEUE_URL
            secrets.create_secret(Name=SECRET_NAME, SecretString=document(*live))
            handler = load(**environment)
            clock = FakeClock(NOW)
            receiver = handler.wiring.receive_webhook
            receiver.secrets._clock = clock
            handler.wiring.receive_webhook = replace(receiver, clock=clock)
            return Stage(handler, clock, context, sqs, secrets)

        yield started


@pytest.fixture
def stage(start: Callable[..., Stage]) -> Stage:
    return start(OLD)
