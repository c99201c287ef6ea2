"""An HTTP API of the embedded AWS gives a function the exact bytes, and admits by JWT."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.local_aws.embedded import ROLE, EmbeddedAws

pytestmark = pytest.mark.cloud

ECHO = """
import base64, hashlib, json

def handle(event, context):
    if event["rawPath"] == "/boom":
        raise RuntimeError("an internal word")
    body = event.get("body") or ""
    encoded = event["isBase64Encoded"]
    raw = base64.b64decode(body) if encoded else body.encode()
    said = {
        "encoded": encoded,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "caller": event["requestContext"].get("authorizer"),
    }
    return {"statusCode": 200, "body": json.dumps(said)}
"""
SCOPE = "shop/payments:read"


@dataclass(frozen=True)
class Api:
    """One that echoes, open but for /mine."""

    url: str
    issuer: str
    audience: str


@pytest.fixture(scope="module")
def api(aws: EmbeddedAws) -> Api:
    name = secrets.token_hex(4)
    jwt = {"Issuer": {"Fn::GetAtt": ["Pool", "ProviderURL"]}, "Audience": [{"Ref": "Client"}]}
    made = aws.stack(
        {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Role": ROLE,
                    "Runtime": "python3.13",
                    "Handler": "index.handle",
                    "Code": {"ZipFile": ECHO},
                },
            },
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {}},
            "Client": {
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {"UserPoolId": {"Ref": "Pool"}},
            },
            "Api": part("Api", Name=name, ProtocolType="HTTP"),
            "Stage": part("Stage", **on_api(), StageName="$default", AutoDeploy=True),
            "Integration": part(
                "Integration",
                **on_api(),
                IntegrationType="AWS_PROXY",
                IntegrationUri={"Fn::GetAtt": ["Function", "Arn"]},
                PayloadFormatVersion="2.0",
            ),
            "Authorizer": part(
                "Authorizer",
                **on_api(),
                AuthorizerType="JWT",
                IdentitySource=["$request.header.Authorization"],
                JwtConfiguration=jwt,
                Name="jwt",
            ),
            "Open": part("Route", **on_api(), RouteKey="POST /open", Target=target()),
            "Boom": part("Route", **on_api(), RouteKey="GET /boom", Target=target()),
            "Mine": part(
                "Route",
                **on_api(),
                RouteKey="GET /mine",
                Target=target(),
                AuthorizationType="JWT",
                AuthorizationScopes=[SCOPE, "payments:read"],
                AuthorizerId={"Ref": "Authorizer"},
            ),
        },
        Api={"Ref": "Api"},
        Issuer={"Fn::GetAtt": ["Pool", "ProviderURL"]},
        Audience={"Ref": "Client"},
    )
    url = f"{aws.running.url}/_aws/execute-api/{made['Api']}/$default"
    return Api(url, made["Issuer"], made["Audience"])


def part(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


def on_api() -> dict[str, Any]:
    return {"ApiId": {"Ref": "Api"}}


def target() -> dict[str, Any]:
    return {"Fn::Sub": "integrations/${Integration}"}


@pytest.mark.parametrize(
    ("body", "content_type", "encoded"),
    [
        (b'{"a": 1}', "application/json", False),
        ('{"a": "é€😀"}'.encode(), "application/json; charset=utf-8", False),
        (b'{"a": "\xff\xfe\x80"}', "application/json", True),
        (b"\xc3\x28", "text/plain", True),
        (b"\x00\x01\x02", "application/octet-stream", True),
        (b"a=1", "application/x-www-form-urlencoded", True),
        (b"x" * 5_000_000, "application/json", False),
    ],
    ids=["json", "utf-8", "not utf-8", "cut utf-8", "binary", "form", "5 MB"],
)
def test_the_function_gets_the_exact_bytes(
    api: Api, body: bytes, content_type: str, *, encoded: bool
) -> None:
    answer = httpx.post(f"{api.url}/open", content=body, headers={"Content-Type": content_type})
    said = answer.json()
    assert said["sha256"] == hashlib.sha256(body).hexdigest()
    assert said["encoded"] is encoded


def test_a_function_that_fails_is_a_bare_500(api: Api) -> None:
    answer = httpx.get(f"{api.url}/boom")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def get_mine(aws: EmbeddedAws, api: Api, **changed: Any) -> httpx.Response:
    wanted = {"issuer": api.issuer, "audience": api.audience, "subject": "anna", "scopes": [SCOPE]}
    token = aws.control("POST", "token", {**wanted, **changed}).json()["token"]
    return httpx.get(f"{api.url}/mine", headers={"Authorization": f"Bearer {token}"})


def test_a_token_for_any_caller_is_accepted(aws: EmbeddedAws, api: Api) -> None:
    answer = get_mine(aws, api, subject="anna", claims={"email": "anna@example.com"})
    assert answer.status_code == 200
    jwt = answer.json()["caller"]["jwt"]
    assert jwt["scopes"] == [SCOPE]
    claims = jwt["claims"]
    assert (claims["sub"], claims["iss"]) == ("anna", api.issuer)
    assert claims["email"] == "anna@example.com"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"valid_seconds": -1}, 401),
        ({"audience": "somebody else's"}, 401),
        ({"claims": {"iss": "https://elsewhere.example"}}, 401),
        ({"claims": {"nbf": int(time.time()) + 3600}}, 401),
        ({"scopes": ["shop/payments:write"]}, 403),
        ({"scopes": []}, 403),
    ],
    ids=["expired", "audience", "issuer", "not yet", "scope", "no scope"],
)
def test_a_token_that_does_not_fit_is_refused(
    aws: EmbeddedAws, api: Api, changed: dict[str, Any], status: int
) -> None:
    assert get_mine(aws, api, **changed).status_code == status


def test_no_token_and_a_forged_one_are_401(aws: EmbeddedAws, api: Api) -> None:
    good = get_mine(aws, api).request.headers["Authorization"]
    forged = good[:-8] + ("AAAAAAAA" if not good.endswith("AAAAAAAA") else "BBBBBBBB")
    for header in (None, "Bearer", "Bearer garbage", forged):
        headers = {"Authorization": header} if header else {}
        assert httpx.get(f"{api.url}/mine", headers=headers).status_code == 401


def test_a_control_says_what_it_cannot_use(aws: EmbeddedAws) -> None:
    for answer in (
        aws.control("POST", "token", {"issuer": "https://any.example"}),
        aws.control("POST", "token", ["no object"]),
        aws.control("GET", "nothing"),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]
