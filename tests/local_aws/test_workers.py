"""Functions see what they would see on Lambda, and can be killed."""

import os
import secrets
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local_aws.embedded import EmbeddedAws, archive, until

pytestmark = pytest.mark.cloud

IMPORTS = """
import os, sys
started = 0

def found(name):
    try:
        return bool(__import__(name))
    except ImportError:
        return False

def handle(event, context):
    global started
    started += 1
    return {"found": {name: found(name) for name in event}, "started": started,
            "pid": os.getpid(), "path": sys.path}
"""


def workers(aws: EmbeddedAws, function: str) -> list[dict[str, Any]]:
    said = aws.control("GET", "workers").json()["workers"]
    return [worker for worker in said if worker["function"] == function]


def test_a_function_sees_boto3_and_nothing_else_of_this_environment(aws: EmbeddedAws) -> None:
    """What its layer forgot must not be found by chance."""
    runtime = ["boto3", "botocore", "dateutil", "urllib3", "s3transfer", "jmespath", "six"]
    ours = ["ministack", "hypercorn", "yaml", "cryptography", "cbor2", "pip", "local", "paidonce"]
    said = aws.invoke(aws.function(IMPORTS), [*runtime, *ours])["found"]
    assert [name for name in runtime if not said[name]] == []
    assert [name for name in ours if said[name]] == []


def test_layers_are_found_and_unpacked_once(aws: EmbeddedAws) -> None:
    name = f"layer_{secrets.token_hex(4)}"
    layer = aws.client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": archive({f"python/{name}.py": "here = 1"})}
    )["LayerVersionArn"]
    said = [aws.invoke(aws.function(IMPORTS, layers=[layer]), [name]) for _ in range(2)]
    assert [one["found"] for one in said] == [{name: True}] * 2
    folders = [[path for path in one["path"] if "/layers/" in path] for one in said]
    assert folders[0] == folders[1] != []


def test_a_killed_worker_is_replaced_by_the_next_invocation(aws: EmbeddedAws) -> None:
    function = aws.function(IMPORTS)
    first = [aws.invoke(function, [])["pid"] for _ in range(2)]
    (worker,) = workers(aws, function)
    assert first == [worker["pid"]] * 2
    os.kill(worker["pid"], signal.SIGKILL)
    # An invocation that meets it while it dies fails, as one would on AWS.
    until(lambda: not workers(aws, function))
    again = aws.invoke(function, [])
    assert (again["started"], again["pid"] == worker["pid"]) == (1, False)


def test_a_burst_waits_for_a_worker_instead_of_starting_one_each(aws: EmbeddedAws) -> None:
    """More workers than the processor can run only make each other slow."""
    # The sleep is the function's work, long enough that all invocations overlap.
    function = aws.function("import time\ndef handle(event, context): time.sleep(0.1)")
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda _: aws.invoke(function), range(24)))
    assert 1 < len(workers(aws, function)) <= max(4, 2 * (os.cpu_count() or 1))
