"""RotateSecret really rotates: it calls the function's four steps, as AWS does.

ministack copies the value and promotes it at once.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
Schedules are stored and not kept: a rotation starts when RotateSecret or a template asks for it.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import logging
import time
from typing import Any

from ministack.core import concurrency, responses
from ministack.services import lambda_svc, secretsmanager

from local.aws import secret_versions
from local.aws.patching import Answer, JsonObject, replace

logger = logging.getLogger("paidonce.rotation")

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")

_rotate = secretsmanager._rotate_secret


def install() -> None:
    """Put the mended call in place of ministack's."""
    replace(secretsmanager, "_rotate_secret", rotate_secret)


def rotate_secret(data: JsonObject) -> Answer:
    """RotateSecret: refused while AWSPENDING sits on another version than AWSCURRENT."""
    secret = secret_versions.find(data.get("SecretId"))
    if secret is None or secretsmanager._is_replica(secret):
        answer: Answer = _rotate(data)
        return answer
    function_arn = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function_arn:
        return secret_versions.refused(
            "InvalidRequestException",
            "No Lambda rotation function ARN is associated with this secret.",
        )
    token: str = data.get("ClientRequestToken") or responses.new_uuid()
    pending, _ = secretsmanager._find_stage_version(secret, "AWSPENDING")
    current, _ = secretsmanager._find_stage_version(secret, "AWSCURRENT")
    if pending not in {None, current, token}:
        return secret_versions.refused(
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
        )
    secret["RotationLambdaARN"] = function_arn
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    body = {"ARN": secret["ARN"], "Name": secret["Name"]}
    if data.get("RotateImmediately", True):
        body["VersionId"] = token
        _spawn(rotate_now, secret, function_arn, token)
    else:
        _spawn(test_only, secret, function_arn, token)
    started: Answer = responses.json_response(body)
    return started


def rotate_now(secret: JsonObject, function_arn: str, token: str) -> None:
    """The four steps on a version that createSecret fills; the first error ends them."""
    versions: JsonObject = secret["Versions"]
    if token not in versions:
        versions[token] = _version(None)
        secretsmanager._remove_stage_everywhere(secret, "AWSPENDING", except_version_id=token)
        secretsmanager._add_stage(secret, token, "AWSPENDING")
    for step in STEPS:
        if not _called(secret, function_arn, token, step):
            return
    secret["LastRotatedDate"] = int(time.time())


def test_only(secret: JsonObject, function_arn: str, token: str) -> None:
    """What AWS does instead of rotating at once: testSecret on a copy under AWSPENDING."""
    _, current = secretsmanager._find_stage_version(secret, "AWSCURRENT")
    secret["Versions"][token] = _version(current)
    secretsmanager._add_stage(secret, token, "AWSPENDING")
    _called(secret, function_arn, token, "testSecret")
    secret["Versions"].pop(token, None)


def _version(like: JsonObject | None) -> JsonObject:
    return {
        "SecretString": like["SecretString"] if like else None,
        "SecretBinary": like["SecretBinary"] if like else None,
        "CreatedDate": int(time.time()),
        "Stages": [],
    }


def _called(secret: JsonObject, function_arn: str, token: str, step: str) -> bool:
    """Whether the function did that step without an error."""
    record, config, name = lambda_svc._get_func_record_for_ref(function_arn)
    if record is None or config is None:
        logger.error("Rotation of %s: function %s does not exist.", secret["Name"], name)
        return False
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
    result: dict[str, Any] = lambda_svc._execute_function_with_config_scope(
        lambda_svc._execution_record_for_config(record, config), event
    )
    if result.get("error"):
        logger.error("Rotation of %s failed in %s: %s", secret["Name"], step, result.get("body"))
        return False
    return True


def _spawn(work: Any, *arguments: object) -> None:
    concurrency.spawn_background(work, *arguments, thread_name="paidonce-rotation")
