"""What the AWS adapters share: clients that give up in time, and which errors mean "ask again"."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own name

from paidonce.domain.errors import TryAgain

# At debug level botocore writes whole requests and answers: secrets and payloads.
logging.getLogger("botocore").setLevel(logging.INFO)

# From the pages "Common errors" of DynamoDB, EventBridge, SQS, KMS and Secrets Manager.
_TEMPORARY = frozenset(
    {
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "OverLimit",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


def client_config(*, timeout_seconds: float = 3) -> Config:
    """Settings for every boto3 client: two tries, each given up long before a function's timeout.

    botocore's own defaults (60 s to connect, 60 s to read, five tries) outlast every function here.
    """
    return Config(
        connect_timeout=1,
        read_timeout=timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": 2},
    )


def code_of(error: ClientError) -> str:
    """AWS's code, without the prefixes that some protocols put before it."""
    code = error.response.get("Error", {}).get("Code", "")
    return code.removeprefix("AWS.SimpleQueueService.").rpartition("#")[2]


def is_temporary_code(code: str | None) -> bool:
    """True for throttling and for AWS's own failures."""
    return code in _TEMPORARY


def is_temporary(error: BaseException) -> bool:
    """True when asking again can help: throttled, AWS's own failure, or no connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return is_temporary_code(code_of(error)) or status >= 500  # noqa: PLR2004 - HTTP: the server's fault
    return isinstance(error, (ConnectionError, HTTPClientError))


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Raise TryAgain for what is temporary; every other error passes through untouched."""
    try:
        yield
    except (ClientError, ConnectionError, HTTPClientError) as error:
        if is_temporary(error):
            raise TryAgain(f"{what} did not answer") from error
        raise
