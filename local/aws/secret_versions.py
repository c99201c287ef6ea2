"""Secrets Manager's staging labels and version tokens, as its API reference describes them.

ministack leaves a label on the version that had it before, and overwrites a version whose token
is used again. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import json
from typing import Any

from ministack.core import responses
from ministack.services import secretsmanager

from local.aws.patching import Answer, JsonObject, replace

FIRST_REFUSAL = 400

_put = secretsmanager._put_secret_value
_get = secretsmanager._get_secret_value
_describe = secretsmanager._describe_secret


def install() -> None:
    """Put the mended calls in place of ministack's."""
    replace(secretsmanager, "_put_secret_value", put_secret_value)
    replace(secretsmanager, "_get_secret_value", get_secret_value)
    replace(secretsmanager, "_describe_secret", describe_secret)


def find(secret_id: str | None) -> JsonObject | None:
    """The secret of that name or ARN, unless it is being deleted."""
    _, secret = secretsmanager._resolve(secret_id)
    if secret is None or secret.get("DeletedDate"):
        return None
    found: JsonObject = secret
    return found


def refused(code: str, message: str) -> Answer:
    """An error as Secrets Manager words it."""
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer


def has_value(version: JsonObject) -> bool:
    """False for the version that RotateSecret makes and createSecret is to fill."""
    return version.get("SecretString") is not None or version.get("SecretBinary") is not None


def put_secret_value(data: JsonObject) -> Answer:
    """PutSecretValue: a token names one value for ever, a label sits on one version."""
    secret = find(data.get("SecretId"))
    if secret is None:
        return _answer(_put(data))
    versions: JsonObject = secret["Versions"]
    token: str = data.get("ClientRequestToken") or responses.new_uuid()
    data = {**data, "ClientRequestToken": token}
    existing = versions.get(token)
    if existing is not None and has_value(existing):
        return _same_again(secret, token, existing, data)
    kept_labels = versions.pop(token)["Stages"] if existing is not None else []
    answer = _answer(_put(data))
    if answer[0] >= FIRST_REFUSAL:
        if existing is not None:
            versions[token] = existing
        return answer
    body = json.loads(answer[2])
    version_id: str = body["VersionId"]
    labels = data.get("VersionStages") or ["AWSCURRENT"]
    if "AWSCURRENT" in labels:
        kept_labels = [label for label in kept_labels if label != "AWSPENDING"]
    for label in (*labels, *kept_labels):
        secretsmanager._remove_stage_everywhere(secret, label, except_version_id=version_id)
        secretsmanager._add_stage(secret, version_id, label)
    return _json({**body, "VersionStages": list(versions[version_id]["Stages"])})


def get_secret_value(data: JsonObject) -> Answer:
    """GetSecretValue: a version without a value is not found."""
    secret = find(data.get("SecretId"))
    if secret is not None:
        version_id = data.get("VersionId")
        if not version_id:
            stage = data.get("VersionStage") or "AWSCURRENT"
            version_id, _ = secretsmanager._find_stage_version(secret, stage)
        version = secret["Versions"].get(version_id)
        if version is not None and not has_value(version):
            return refused(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for VersionId:"
                f" {version_id}",
            )
    return _answer(_get(data))


def describe_secret(data: JsonObject) -> Answer:
    """DescribeSecret, with the time of the last rotation."""
    answer = _answer(_describe(data))
    secret = find(data.get("SecretId"))
    if secret is None or "LastRotatedDate" not in secret:
        return answer
    return _json({**json.loads(answer[2]), "LastRotatedDate": secret["LastRotatedDate"]})


def _same_again(secret: JsonObject, token: str, version: JsonObject, data: JsonObject) -> Answer:
    """The same token once more: ignored with the same value, refused with another."""
    same = all(version.get(key) == data.get(key) for key in ("SecretString", "SecretBinary"))
    if not same:
        return refused(
            "ResourceExistsException",
            "You can't use ClientRequestToken"
            f" {token} because that value is already in use for a version of secret"
            f" {secret['ARN']}.",
        )
    return _json(
        {
            "ARN": secret["ARN"],
            "Name": secret["Name"],
            "VersionId": token,
            "VersionStages": list(version["Stages"]),
        }
    )


def _json(body: JsonObject) -> Answer:
    return _answer(responses.json_response(body))


def _answer(value: Any) -> Answer:
    answer: Answer = value
    return answer
