"""A stage in an account is found by its stacks; what stands in the way is a sentence."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from ops.errors import OpsError
from ops.place import Place, Which, find, read_settings
from tests.adapters.canned import Canned, CannedServer, canned_server

# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
STACK = """<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>PaidOnce-dev</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<CreationTime>2026-11-22T11:00:00Z</CreationTime><Outputs>{outputs}</Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""
OUTPUT = "<member><OutputKey>{}</OutputKey><OutputValue>{}</OutputValue></member>"
REFUSAL = """<ErrorResponse><Error><Code>ValidationError</Code>
<Message>Stack with id PaidOnce-dev-storage does not exist</Message></Error></ErrorResponse>"""


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    # It remembers the credentials of an earlier test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with canned_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", server.url)
        yield server


def in_account() -> Place:
    return find(Which(stage="dev", endpoints_file=Path("nowhere")))


def test_the_outputs_of_the_three_stacks_are_the_place(cloudformation: CannedServer) -> None:
    url = "https://api.example.com/webhooks/stripe"
    cloudformation.answers = [
        Canned(body=STACK.format(outputs=OUTPUT.format("SigningSecretArn", "arn:signing"))),
        Canned(body=STACK.format(outputs=OUTPUT.format("WebhookUrl", url))),
        Canned(body=STACK.format(outputs=OUTPUT.format("AlarmTopicArn", "arn:topic"))),
    ]
    place = in_account()
    assert (place.arn("signing"), place.webhook_url) == ("arn:signing", url)
    assert place.stripe_api_url == "https://api.stripe.com"
    asked = [one.body.partition("StackName=")[2].split("&")[0] for one in cloudformation.asked]
    assert asked == [f"PaidOnce-dev-{lifetime}" for lifetime in ("storage", "service", "alarms")]


def test_a_stage_that_is_not_deployed_is_a_sentence(cloudformation: CannedServer) -> None:
    cloudformation.answers = [Canned(400, REFUSAL)]
    with pytest.raises(OpsError, match=r"^PaidOnce-dev-storage cannot be looked at: .*not exist"):
        in_account()


def test_a_missing_output_says_what_to_do(cloudformation: CannedServer) -> None:
    cloudformation.answers = [Canned(body=STACK.format(outputs=""))]
    with pytest.raises(OpsError, match="no output ReaderKeyArn: deploy this version first"):
        in_account().arn("reader")


def test_a_stages_own_values_go_over_the_defaults() -> None:
    dev, prod = read_settings("dev"), read_settings("prod")
    assert (dev.livemode, prod.livemode) == (False, True)
    assert dev["stripe.api_version"] == prod["stripe.api_version"]
    assert dev["http.rate_per_second"] < prod["http.rate_per_second"]
    assert dev["mode"] == "test"
