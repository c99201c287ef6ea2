"""The way in: one HTTP API with access logs, throttles, CORS, and a JWT asked for by route."""

import dataclasses
import json
from collections.abc import Sequence
from typing import cast

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.function import HouseFunction
from infra.blocks.logs import log_group
from infra.stage import Stage

# Ids, times and verdicts; no query, header or body. The whole list of what API Gateway can log:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_LOGGED = {
    "request_id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "from": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "sent_bytes": "$context.responseLength",
    "took_ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
    "function_status": "$context.integrationStatus",
    "function_request_id": "$context.integration.requestId",
    "error": "$context.error.message",
    "integration_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
}


@dataclasses.dataclass(frozen=True)
class Route:
    """A method and path, and the scope that a token must carry, or why none is asked for."""

    key: str
    scope: str | None = None
    open_because: str = ""

    @property
    def method(self) -> apigateway.HttpMethod:
        """GET, POST, DELETE."""
        return apigateway.HttpMethod[self.key.split(" ")[0]]

    @property
    def path(self) -> str:
        """With names in braces, as API Gateway and OpenAPI write them."""
        return self.key.split(" ")[1]


def scope_prefix(stage: Stage) -> str:
    """What Cognito puts before a scope; tokens of other issuers may do without."""
    return f"paidonce-{stage.name}/"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limit:
    """How often a route may be called, over all callers."""

    rate_per_second: int
    burst: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose tokens are good, and made for whom."""

    url: str
    audience: Sequence[str]


class HttpWayIn(Construct):
    """An HTTP API without routes; `add` gives it some."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, issuer: Issuer
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        http = stage.http
        self.domain = self._own_domain() if http.domain_name else None
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=stage.named("api"),
            description=f"Paid Once {stage.name}",
            create_default_stage=False,
            # With a domain of one's own there is one address, and one place to guard.
            disable_execute_api_endpoint=self.domain is not None,
            cors_preflight=_cors(http.cors_origins),
        )
        self._default = apigateway.HttpStage(
            self,
            "Default",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=http.rate_per_second, burst_limit=http.burst
            ),
            domain_mapping=(
                apigateway.DomainMappingOptions(domain_name=self.domain) if self.domain else None
            ),
        )
        self._log_access()
        self._authorizer = HttpJwtAuthorizer(
            "Tokens", issuer.url, jwt_audience=list(issuer.audience)
        )
        self._own_limits: dict[str, object] = {}

    @property
    def url(self) -> str:
        """Where callers find it, without a slash at the end."""
        http = self._stage.http
        if http.public_url:
            return http.public_url.replace("{api_id}", self.api.api_id)
        return f"https://{http.domain_name}" if http.domain_name else self.api.api_endpoint

    def add(
        self, routes: Sequence[Route], to: HouseFunction, *, limit: Limit | None = None
    ) -> None:
        """Send these routes to a function's alias; `limit` is for each of them alone."""
        integration = HttpLambdaIntegration(to.node.id, to.live)
        for route in routes:
            made = self.api.add_routes(
                path=route.path,
                methods=[route.method],
                integration=integration,
                authorizer=self._authorizer if route.scope else None,
                authorization_scopes=self._both_forms(route.scope),
            )[0]
            if not route.scope:
                accept(made, "APIG4", f"{route.key}: {route.open_because}.")
            if limit:
                self._limit(route, limit, made)

    def _both_forms(self, scope: str | None) -> list[str] | None:
        return [scope, f"{scope_prefix(self._stage)}{scope}"] if scope else None

    def _limit(self, route: Route, limit: Limit, made: apigateway.HttpRoute) -> None:
        self._own_limits[route.key] = {
            "ThrottlingRateLimit": limit.rate_per_second,
            "ThrottlingBurstLimit": limit.burst,
        }
        self._stage_resource.route_settings = self._own_limits
        # A stage that is made before its routes is refused: it names one that is not there.
        self._default.node.add_dependency(made)

    def _log_access(self) -> None:
        name = f"/aws/vendedlogs/{self._stage.named('api')}"
        logs = log_group(self, "AccessLogs", name=name, stage=self._stage)
        # API Gateway wants the group's ARN without the ":*" that CDK's attribute ends with.
        destination = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=logs.log_group_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self._stage_resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=destination, format=json.dumps(_LOGGED)
        )

    def _own_domain(self) -> apigateway.DomainName:
        http = self._stage.http
        certificate = acm.Certificate.from_certificate_arn(
            self, "Certificate", http.certificate_arn
        )
        return apigateway.DomainName(
            self, "Domain", domain_name=http.domain_name, certificate=certificate
        )

    @property
    def _stage_resource(self) -> apigateway.CfnStage:
        return cast("apigateway.CfnStage", self._default.node.default_child)


def _cors(origins: Sequence[str]) -> apigateway.CorsPreflightOptions | None:
    if not origins:
        return None
    method = apigateway.CorsHttpMethod
    return apigateway.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[method.GET, method.POST, method.DELETE],
        allow_headers=["authorization", "content-type", "idempotency-key", "x-correlation-id"],
        expose_headers=["idempotent-replayed", "retry-after"],
        max_age=Duration.hours(1),
    )
