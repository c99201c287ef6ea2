"""Somebody who is not listed reads a Stripe secret: CloudTrail sees it, EventBridge tells."""

from collections.abc import Iterable

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.stage import Stage

# Its heading in the runbook, as an alarm's.
NAME = "secret-read-by-stranger"
# GetSecretValue only reads: other states of a rule never see it.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
_STATE = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


class Strangers(Construct):
    """A rule that tells the alarm topic, allowed or refused: `listed` are the roles that may read.

    The account needs a CloudTrail trail of management events; every new account has one to make.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        listed: Iterable[str],
        topic: sns.Topic,
        runbook: str,
    ) -> None:
        super().__init__(scope, construct_id)
        rule = events.CfnRule(
            self,
            "Reads",
            name=stage.named(NAME),
            description=f"A Stripe secret is read by somebody unlisted. {runbook}#{NAME}",
            state=_STATE,
            event_pattern=_pattern(stage, listed),
            targets=[
                events.CfnRule.TargetProperty(
                    id="Topic",
                    arn=topic.topic_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "secret": "$.detail.requestParameters.secretId",
                            "who": "$.detail.userIdentity.arn",
                            "from": "$.detail.sourceIPAddress",
                            "at": "$.detail.eventTime",
                        },
                        input_template=(
                            f'"Paid Once {stage.name}: <secret> was read, or tried, by <who> from'
                            f' <from> at <at>. What to do: {runbook}#{NAME}"'
                        ),
                    ),
                )
            ],
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="StrangersAreTold",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )


def _pattern(stage: Stage, listed: Iterable[str]) -> dict[str, object]:
    """A secret can be asked for by its name or its ARN, and by who has no role at all."""
    names = f"paidonce/{stage.name}/stripe/"
    secret = f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:{names}"

    def issued_by(matcher: object) -> dict[str, object]:
        return {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": [matcher]}}}}

    return {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["secretsmanager.amazonaws.com"],
            # BatchGetSecretValue is logged as one of these for each secret.
            "eventName": ["GetSecretValue"],
            "requestParameters": {"secretId": [{"prefix": secret}, {"prefix": names}]},
            "$or": [
                # Lists of a stage may carry wildcards.
                issued_by({"anything-but": {"wildcard": sorted(listed)}}),
                issued_by({"exists": False}),
            ],
        },
    }
