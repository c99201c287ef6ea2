"""What Lambda does around a function: environment, cold start, context, a batch of messages."""

import importlib
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import boto3
import pytest

ACCOUNT, REGION = "123456789012", "us-east-1"

# What infra sets for every function, and credentials of nobody.
EVERYWHERE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "STAGE": "test",
    "LIVEMODE": "false",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
}


def environment_of(function: str) -> dict[str, str]:
    """What infra sets for a function in any case; its own settings come on top."""
    return EVERYWHERE | {"POWERTOOLS_SERVICE_NAME": function}


def set_environment(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """For this test; an endpoint of the developer's own would lead past moto."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@dataclass
class Context:
    """What Lambda gives beside the event, as far as any function looks at it."""

    function_name: str
    remaining_ms: int = 30_000
    aws_request_id: str = "request-1"
    memory_limit_in_mb: int = 512

    @property
    def invoked_function_arn(self) -> str:
        """With no version and no alias."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""
        return self.remaining_ms


def forget(function: str) -> None:
    """No instance of it is left: the next import reads the environment and makes clients anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == function]:
        del sys.modules[name]
    # Powertools keeps a logger by its name, with level and standard output of its first use.
    logging.Logger.manager.loggerDict.pop(function, None)


def cold_start(function: str) -> ModuleType:
    """The function's handler, as a new instance loads it; it logs to the standard output of now."""
    forget(function)
    return importlib.import_module(f"{function}.handler")


def make_table(name: str, key: str = "id") -> None:
    """A table with this key attribute."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def a_batch(*bodies: str) -> dict[str, Any]:
    """SQS records with these bodies and no more, numbered from 1."""
    return {"Records": [{"messageId": str(n), "body": b} for n, b in enumerate(bodies, start=1)]}


def a_record(
    body: str, *, queue: str, receive_count: int = 1, message_id: str = "m1", **attributes: str
) -> dict[str, Any]:
    """An SQS record as an event source mapping gives it."""
    return {
        "messageId": message_id,
        "receiptHandle": f"handle-{message_id}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": "1790000000000",
            "SenderId": "AROA:paidonce-test-receive-webhook",
            "ApproximateFirstReceiveTimestamp": "1790000000001",
        },
        "messageAttributes": {
            name: {
                "stringValue": value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
            for name, value in attributes.items()
        },
        "md5OfBody": "0",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def comes_again(answer: dict[str, Any]) -> list[str]:
    """Which records of a batch Lambda gives once more, by the answer of the function."""
    json.dumps(answer)  # Lambda's own condition
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
