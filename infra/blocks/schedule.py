"""A function that is called on a schedule, by EventBridge Scheduler under a role of its own."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.blocks.function import HouseFunction


class HouseSchedule(Construct):
    """Calls a function's alias; the role may do that and nothing else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        calls: HouseFunction,
        expression: str,
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            description=f"Calls {calls.name} on its schedule",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[calls.live.function_arn]
            )
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=calls.name,
            description=f"When {calls.name} runs",
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=calls.live.function_arn,
                role_arn=role.role_arn,
                # The next call of the schedule does what this one could not.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=300, maximum_retry_attempts=2
                ),
            ),
        )
