"""What AWS calls the receiver with, after its documentation's own examples, and only that.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REQUEST_ID = "JKJaXmPLvHcESHA="
Shape = Callable[..., dict[str, Any]]

_STRIPE = {
    "accept": "*/*; q=0.5, application/xml",
    "cache-control": "no-cache",
    "content-type": "application/json; charset=utf-8",
    "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "x-amzn-trace-id": "Root=1-6921a0f0-0123456789abcdef01234567",
    "x-forwarded-for": "3.18.12.63",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


def _body(body: bytes | None, *, as_base64: bool) -> dict[str, Any]:
    if body is None:
        return {"isBase64Encoded": False}
    text = base64.b64encode(body).decode() if as_base64 else body.decode()
    return {"body": text, "isBase64Encoded": as_base64}


def http_api(
    body: bytes | None,
    headers: Mapping[str, str | Sequence[str]],
    *,
    endpoint: str | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """HTTP API, payload 2.0: names in lower case, several values joined with a comma."""
    route = "POST /webhooks/stripe" + ("/{endpoint}" if endpoint else "")
    path = "/webhooks/stripe" + (f"/{endpoint}" if endpoint else "")
    joined = {k.lower(): v if isinstance(v, str) else ",".join(v) for k, v in headers.items()}
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**_STRIPE, "host": "abc123.execute-api.us-east-1.amazonaws.com", **joined},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "3.18.12.63",
                "userAgent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            },
            "requestId": REQUEST_ID,
            "routeKey": route,
            "stage": "$default",
            "time": "22/Nov/2026:11:24:00 +0000",
            "timeEpoch": 1795346640000,
        },
        **_body(body, as_base64=as_base64),
    }
    return event | ({"pathParameters": {"endpoint": endpoint}} if endpoint else {})


def rest_api(
    body: bytes | None,
    headers: Mapping[str, str | Sequence[str]],
    *,
    endpoint: str | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """REST API, payload 1.0: names as they came, the last value beside all values, nulls."""
    resource = "/webhooks/stripe" + ("/{endpoint}" if endpoint else "")
    path = "/webhooks/stripe" + (f"/{endpoint}" if endpoint else "")
    many = {k: [v] if isinstance(v, str) else list(v) for k, v in {**_STRIPE, **headers}.items()}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": "POST",
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"endpoint": endpoint} if endpoint else None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "2gxmpl",
            "resourcePath": resource,
            "httpMethod": "POST",
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "22/Nov/2026:11:24:00 +0000",
            "path": f"/prod{path}",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "70ixmpl4fl",
            "requestTimeEpoch": 1795346640000,
            "requestId": REQUEST_ID,
            "identity": {"sourceIp": "3.18.12.63", "userArn": None, "user": None},
            "domainName": "70ixmpl4fl.execute-api.us-east-1.amazonaws.com",
            "apiId": "70ixmpl4fl",
        },
        "body": None,
        **_body(body, as_base64=as_base64),
    }


def function_url(
    body: bytes | None,
    headers: Mapping[str, str | Sequence[str]],
    *,
    endpoint: str | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """A function URL: payload 2.0, one route for every path."""
    event = http_api(body, headers, endpoint=endpoint, as_base64=as_base64)
    event.pop("pathParameters", None)
    event["routeKey"] = event["requestContext"]["routeKey"] = "$default"
    event["requestContext"] |= {"apiId": "abc123", "authentication": None}
    return event


SHAPES: dict[str, Shape] = {
    "HTTP API": http_api,
    "REST API": rest_api,
    "function URL": function_url,
}
