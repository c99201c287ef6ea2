"""One Lambda function by the rules of the house: own role and logs, both layers, alias `live`."""

import dataclasses
from collections.abc import Mapping, Sequence

from aws_cdk import Duration, IgnoreMode, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.layers import REPOSITORY, architecture, python
from infra.blocks.logs import log_group
from infra.stage import Stage

LIVE = "live"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """What a function may use; memory also buys its share of a CPU."""

    timeout_seconds: int
    memory_mb: int


class HouseFunction(Construct):
    """The function of one folder of functions/; what calls it calls the alias.

    `feeds_itself` is for one that sends messages to its own queue.
    """

    def __init__(
        self,
        scope: Construct,
        folder: str,
        *,
        stage: Stage,
        layers: Sequence[lambda_.ILayerVersion],
        size: Size,
        environment: Mapping[str, str],
        description: str,
        feeds_itself: bool = False,
    ) -> None:
        super().__init__(scope, folder)
        self.stage = stage
        self.name = stage.named(folder.replace("_", "-"))
        self.logs = log_group(self, "Logs", name=f"/aws/lambda/{self.name}", stage=stage)
        self.role = self._role()
        snap_start = lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS
        # Lambda ends what looks like an endless loop after 16 rounds, unless told it is meant.
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        loop = lambda_.RecursiveLoop.ALLOW if feeds_itself else None
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            description=description,
            runtime=python(stage.runtime),
            architecture=architecture(stage.runtime),
            # The zip holds this one package: its name is the same here, in tests and in tracebacks.
            code=lambda_.Code.from_asset(
                str(REPOSITORY / "functions"),
                exclude=["*", f"!{folder}", "**/__pycache__"],
                ignore_mode=IgnoreMode.DOCKER,
            ),
            handler=f"{folder}.handler.handle",
            layers=list(layers),
            role=self.role,
            timeout=Duration.seconds(size.timeout_seconds),
            memory_size=size.memory_mb,
            log_group=self.logs,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel[stage.runtime.log_level],
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE,
            snap_start=snap_start if stage.runtime.snap_start else None,
            recursive_loop=loop,
            environment={
                "STAGE": stage.name,
                "LIVEMODE": str(stage.livemode).lower(),
                "POWERTOOLS_SERVICE_NAME": folder,
                "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
                "POWERTOOLS_LOG_LEVEL": stage.runtime.log_level,
                **environment,
            },
        )
        self.live = lambda_.Alias(
            self, "Live", alias_name=LIVE, version=self.function.current_version
        )
        if stage.runtime.on_host:
            accept(self.function, "L1", "The embedded AWS runs the Python of the machine it is on.")

    def may(self, *actions: str, on: str) -> None:
        """Allow exactly these actions on exactly this resource."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))

    def may_use_key(self, *actions: str, on: str, through: str) -> None:
        """Allow a KMS key's use, only when this AWS service asks for it in the function's name."""
        service = f"{through}.{Stack.of(self).region}.amazonaws.com"
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[on],
                conditions={"StringEquals": {"kms:ViaService": service}},
            )
        )

    def _role(self) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description=f"What {self.name} may do",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.logs.log_group_arn],
            )
        )
        accept(
            role,
            "IAM5[Resource::*]",
            "X-Ray knows no resources: PutTraceSegments and PutTelemetryRecords take only *.",
        )
        return role
