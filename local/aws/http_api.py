"""HTTP APIs give a function the exact bytes, and a caller nothing of a function's error.

ministack replaces what is not UTF-8 in a text body, and shows the error of a function that failed.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import contextvars
from typing import Any

from ministack.services import apigateway, lambda_svc

from local.aws.patching import Answer, JsonObject, replace

_invoke = apigateway._invoke_lambda_proxy
_is_text = apigateway._v2_request_body_is_text
_to_response = lambda_svc.lambda_execute_result_to_api_proxy_response

_body_is_utf8: contextvars.ContextVar[bool] = contextvars.ContextVar("body_is_utf8", default=True)


def install() -> None:
    """Put the mended calls in place of ministack's."""
    replace(apigateway, "_invoke_lambda_proxy", invoke_lambda_proxy)
    replace(apigateway, "_v2_request_body_is_text", request_body_is_text)
    replace(lambda_svc, "lambda_execute_result_to_api_proxy_response", to_response)


async def invoke_lambda_proxy(
    integration: JsonObject,
    api_id: str,
    stage: str,
    path: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    *request: Any,
    **options: Any,
) -> Answer:
    """A proxy integration that remembers whether the body can travel as text at all."""
    _body_is_utf8.set(_decodes(body))
    answer: Answer = await _invoke(
        integration, api_id, stage, path, method, headers, body, *request, **options
    )
    return answer


def request_body_is_text(content_type: str | None) -> bool:
    """Whether the body goes to the function as a string; anything else goes as base64."""
    return bool(_is_text(content_type)) and _body_is_utf8.get()


def to_response(result: JsonObject) -> tuple[JsonObject | None, str | None]:
    """A function's failure is a 500 and a throttled one a 503, without a word about why."""
    if result.get("throttle"):
        return _refusal(503, "Service Unavailable"), None
    if result.get("error"):
        return _refusal(500, "Internal Server Error"), None
    response: tuple[JsonObject | None, str | None] = _to_response(result)
    return response


def _refusal(status: int, message: str) -> JsonObject:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": f'{{"message":"{message}"}}',
    }


def _decodes(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
