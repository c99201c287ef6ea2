"""A webhook out of what Lambda is called with: HTTP API (2.0), REST API (1.0) or a function URL.

Shapes: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
(2.0 and 1.0) and https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (as 2.0, without
path parameters).
"""

import binascii
import re
from collections.abc import Mapping
from typing import Any

from paidonce.domain.errors import InvalidRequest, TooLarge
from paidonce.use_cases.receive_webhook import BODY_MAX_BYTES, Webhook

DEFAULT_ENDPOINT = "default"
_NAMED_ROUTE = re.compile(r"/webhooks/stripe/([^/]+)")
# API Gateway's ids are 16 characters with = and -, those of Lambda and function URLs are UUIDs.
_REQUEST_ID = re.compile(r"[!-~]{1,128}")


def read(event: Mapping[str, Any], *, request_id: str) -> Webhook:
    """The webhook, byte for byte as it was sent.

    Raises TooLarge before anything is decoded, InvalidRequest for base64 that is none.
    """
    return Webhook(
        endpoint=_endpoint(event),
        signature=_header(event, "stripe-signature"),
        body=_body(event),
        request_id=request_id,
    )


def request_id(event: Mapping[str, Any], *, otherwise: str) -> str:
    """The gateway's own id of the request, which its access log has too, or Lambda's."""
    found = (event.get("requestContext") or {}).get("requestId")
    return found if isinstance(found, str) and _REQUEST_ID.fullmatch(found) else otherwise


def _endpoint(event: Mapping[str, Any]) -> str:
    named = (event.get("pathParameters") or {}).get("endpoint")
    if named is None:
        # A function URL has no routes, only the path.
        match = _NAMED_ROUTE.fullmatch(event.get("rawPath") or "")
        named = match[1] if match else DEFAULT_ENDPOINT
    return str(named)


def _header(event: Mapping[str, Any], name: str) -> str | None:
    """All values of a header, joined as HTTP allows (RFC 9110 section 5.3); names have no case."""
    many = [
        value
        for key, values in (event.get("multiValueHeaders") or {}).items()
        if key.lower() == name
        for value in values or []
    ]
    # REST APIs give the last value here and all of them above; the others only this.
    one = [v for key, v in (event.get("headers") or {}).items() if key.lower() == name]
    return ",".join(str(value) for value in many or one if value) or None


def _body(event: Mapping[str, Any]) -> bytes:
    raw = event.get("body") or ""
    if event.get("isBase64Encoded"):
        if len(raw) // 4 * 3 - raw[-2:].count("=") > BODY_MAX_BYTES:
            raise _too_large()
        try:
            return binascii.a2b_base64(raw, strict_mode=True)
        except ValueError:
            # Not chained: the error could hold some of the body.
            raise InvalidRequest("the body is not the base64 that it is said to be") from None
    if len(raw) > BODY_MAX_BYTES:
        raise _too_large()
    # JSON can carry half a surrogate pair into a string; no signature fits its bytes.
    body: bytes = raw.encode("utf-8", "surrogatepass")
    if len(body) > BODY_MAX_BYTES:
        raise _too_large()
    return body


def _too_large() -> TooLarge:
    return TooLarge(f"the body is larger than {BODY_MAX_BYTES} bytes")
