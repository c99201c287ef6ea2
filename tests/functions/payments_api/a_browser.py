"""HTTP requests as API Gateway hands them over (payload format 2.0), on top of a fake shop."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paidonce.adapters.api.idempotent import StoredAnswers
from paidonce.adapters.http import answer
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.capture_payment import CapturePayment
from payments_api.application import serve
from payments_api.billing import Billing
from payments_api.exchange import Exchange
from payments_api.services import Services

from tests.fakes_answers import stored_answers_in_memory
from tests.use_cases.a_shop import DEADLINE_SECONDS, Shop

SHOPPER = "payments:read payments:write payments:amount"
SERVER = f"{SHOPPER} payments:any"
BODY = {"order_id": "order-1", "amount_minor": 1999, "currency": "usd"}
SETTINGS = {"publishable_key": "pk_test_of_the_stage", "stage": "test"}
PREFIX = "paidonce-test/"


class Context:
    """What Lambda gives beside the event."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    function_name = "paidonce-test-payments-api"
    remaining_ms = 28_000

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""
        return self.remaining_ms


@dataclass(frozen=True)
class Reply:
    """An answer as API Gateway would send it."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.json["error"]["code"])

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong with which field."""
        found: dict[str, str] = self.json["error"].get("fields", {})
        return found


def claims_of(sub: str, **more: str) -> dict[str, str]:
    """Claims as API Gateway hands them on: texts."""
    return {"iss": "https://issuer.test", "sub": sub, "token_use": "access"} | more


@dataclass
class Browser:
    """Somebody with a token who calls the function; with `scopes` None, without a token."""

    shop: Shop = field(default_factory=Shop)
    sub: str = "user-1"
    scopes: str | None = SHOPPER
    claims: Mapping[str, str] = field(default_factory=dict)
    user_claim: str = "sub"
    context: Context = field(default_factory=Context)
    stored_answers: StoredAnswers = field(default_factory=stored_answers_in_memory)

    def post(self, body: Any = None, *, key: str | None = "key-1", **more: Any) -> Reply:
        """POST /payments; `body` is text, bytes (sent as base64) or a document."""
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        if key is not None:
            headers["idempotency-key"] = key
        return self.send("POST", "/payments", body=BODY if body is None else body, headers=headers)

    def get(self, path: str, query: str = "", **more: Any) -> Reply:
        """GET a path."""
        return self.send("GET", path, query=query, **more)

    def send(self, method: str, path: str, **parts: Any) -> Reply:
        """Any request at all."""
        return self.call(self.event(method, path, **parts))

    def call(self, event: Mapping[str, Any]) -> Reply:
        """Hand the function an event."""
        exchange = Exchange.of(event, self.context, self.services)
        found = serve(exchange)
        assert set(found) <= {"statusCode", "headers", "body", "isBase64Encoded", "cookies"}
        assert found["isBase64Encoded"] is False
        headers = {str(k).lower(): str(v) for k, v in found["headers"].items()}
        return Reply(status=found["statusCode"], headers=headers, text=found["body"])

    @property
    def services(self) -> Services:
        """What wiring.py would make."""
        return Services(
            take_payment=self.shop.take_payment,
            capture_payment=CapturePayment(change_payment=self.shop.change_payment),
            cancel_payment=CancelPayment(change_payment=self.shop.change_payment),
            read_payment=self.shop.read_payment,
            prices=self.shop.prices,
            billing=Billing.of(
                self.shop.carry_out,
                take_payment=self.shop.take_payment,
                check_key=self.shop.key.read,
            ),
            clock=self.shop.clock,
            telemetry=self.shop.telemetry,
            answer=answer,
            stored_answers=self.stored_answers,
            settings=SETTINGS,
            user_claim=self.user_claim,
            scope_prefix=PREFIX,
            request_deadline_seconds=DEADLINE_SECONDS,
        )

    def event(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> dict[str, Any]:
        """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html."""
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"accept": "*/*", "host": "api.test", **(headers or {})},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "api.test",
                "domainPrefix": "api",
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "a browser",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": f"{method} {path}",
                "stage": "$default",
                "time": "22/Nov/2026:11:24:00 +0000",
                "timeEpoch": 1795346640000,
            },
            "isBase64Encoded": isinstance(body, bytes),
        }
        if query:
            event["queryStringParameters"] = dict(pair.split("=", 1) for pair in query.split("&"))
        if isinstance(body, bytes):
            event["body"] = b64encode(body).decode()
        elif body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        if self.scopes is not None:
            event["requestContext"]["authorizer"] = {
                "jwt": {
                    "claims": claims_of(self.sub, scope=self.scopes, **self.claims),
                    "scopes": self.scopes.split(),
                }
            }
        return event
