"""CloudFormation types that ministack does not know.

It refuses a whole template for one of them. Rotation schedules, secret policies and composite
alarms work here; types that only production needs are accepted and recorded, and do nothing.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import json
import logging
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, secretsmanager
from ministack.services.cloudformation import provisioners

from local.aws import rotation
from local.aws.patching import JsonObject

logger = logging.getLogger("paidonce.templates")

Provisioned = tuple[str, JsonObject]

INERT_TYPES = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::AnomalyDetector",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentConfig",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Events::ApiDestination",
    "AWS::Events::Archive",
    "AWS::Events::Connection",
    "AWS::Logs::QueryDefinition",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SQS::QueueInlinePolicy",
    "AWS::WAFv2::WebACLAssociation",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
)


def install() -> None:
    """Register a handler for each type; one that ministack has come to know is left to it."""
    for resource_type in INERT_TYPES:
        _register(resource_type, _inert(resource_type))
    _register(
        "AWS::SecretsManager::RotationSchedule",
        {
            "create": lambda _logical_id, properties, _stack: _schedule_rotation(properties),
            "update": lambda _physical_id, _old, new, _stack: _schedule_rotation(new),
            "delete": lambda physical_id, _properties: _unschedule_rotation(physical_id),
        },
    )
    _register(
        "AWS::SecretsManager::ResourcePolicy",
        {
            "create": lambda _logical_id, properties, _stack: _put_policy(properties),
            "update": lambda _physical_id, _old, new, _stack: _put_policy(new),
            "delete": lambda physical_id, _properties: _delete_policy(physical_id),
        },
    )
    _register(
        "AWS::CloudWatch::CompositeAlarm",
        {
            "create": _create_composite_alarm,
            "update": _update_composite_alarm,
            "delete": _delete_composite_alarm,
        },
    )


def _register(resource_type: str, handler: JsonObject) -> None:
    provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handler)


def _inert(resource_type: str) -> JsonObject:
    def create(logical_id: str, _properties: JsonObject, stack: str) -> Provisioned:
        logger.warning("%s %s is accepted and does nothing here.", resource_type, logical_id)
        physical_id = f"{stack}-{logical_id}-{responses.new_uuid()[:8]}"
        region, account = responses.get_region(), responses.get_account_id()
        arn = f"arn:aws:inert:{region}:{account}:{physical_id}"
        return physical_id, {"Arn": arn, "Id": physical_id}

    return {
        "create": create,
        "update": lambda physical_id, _old, _new, _stack: (physical_id, {}),
        "delete": lambda _physical_id, _properties: None,
    }


def _schedule_rotation(properties: JsonObject) -> Provisioned:
    if "HostedRotationLambda" in properties:
        raise ValueError("A hosted rotation function is a transform that does not run here.")
    at_once = str(properties.get("RotateImmediatelyOnUpdate", True)).lower() != "false"
    status, _, body = rotation.rotate_secret(
        {
            "SecretId": properties["SecretId"],
            "RotationLambdaARN": properties.get("RotationLambdaARN"),
            "RotationRules": properties.get("RotationRules"),
            "RotateImmediately": at_once,
        }
    )
    _raise_if_refused(status, body)
    arn: str = json.loads(body)["ARN"]
    return arn, {"Id": arn}


def _unschedule_rotation(secret_arn: str) -> None:
    _, secret = secretsmanager._resolve(secret_arn)
    if secret is not None:
        secret.update(RotationEnabled=False, RotationLambdaARN=None, RotationRules=None)


def _put_policy(properties: JsonObject) -> Provisioned:
    policy = json.dumps(properties["ResourcePolicy"])
    status, _, body = secretsmanager._put_resource_policy(
        {"SecretId": properties["SecretId"], "ResourcePolicy": policy}
    )
    _raise_if_refused(status, body)
    arn: str = json.loads(body)["ARN"]
    return arn, {"Id": arn}


def _delete_policy(secret_arn: str) -> None:
    secretsmanager._delete_resource_policy({"SecretId": secret_arn})


def _create_composite_alarm(logical_id: str, properties: JsonObject, stack: str) -> Provisioned:
    name = properties.get("AlarmName") or provisioners._physical_name(
        stack, logical_id, max_len=255
    )
    status, _, body = cloudwatch._put_composite_alarm(
        {}, {**properties, "AlarmName": name}, is_cbor=False, is_json=True
    )
    _raise_if_refused(status, body)
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _update_composite_alarm(
    physical_id: str, _old: JsonObject, new: JsonObject, stack: str
) -> Provisioned:
    return _create_composite_alarm(physical_id, {"AlarmName": physical_id, **new}, stack)


def _delete_composite_alarm(physical_id: str, _properties: JsonObject) -> None:
    cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, is_cbor=False, is_json=True)


def _raise_if_refused(status: int, body: Any) -> None:
    """Raise what CloudFormation then reports as the resource's failure."""
    if status >= 400:  # noqa: PLR2004 - HTTP's first error status
        raise ValueError(body.decode() if isinstance(body, bytes) else str(body))
