"""CloudFormation properties that ministack drops, applied through its own services.

Ref of a Secret is its ARN (ministack gives the name); a user pool has ProviderURL; tables keep time
to live, point-in-time recovery and encryption; functions keep reserved concurrency.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

from local.aws.patching import JsonObject, replace, resource_handler

# What a handler's create and update answer with: the physical id and the attributes.
Provisioned = tuple[str, JsonObject]

_pool_attributes = provisioners._cognito_user_pool_attributes


def install() -> None:
    """Wrap the handlers of the types whose properties are dropped."""
    replace(provisioners, "_cognito_user_pool_attributes", user_pool_attributes)
    handlers = provisioners._RESOURCE_HANDLERS
    _ref_is_the_arn(resource_handler(handlers, "AWS::SecretsManager::Secret"))
    for table in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        _after(resource_handler(handlers, table), _apply_table_properties)
    _after(resource_handler(handlers, "AWS::Lambda::Function"), _apply_reserved_concurrency)


def user_pool_attributes(pool_id: str) -> JsonObject:
    """What Fn::GetAtt of a user pool knows, with the issuer that CDK's JWT authorizer asks for."""
    provider = f"cognito-idp.{responses.get_region()}.amazonaws.com/{pool_id}"
    known: JsonObject = _pool_attributes(pool_id)
    return {**known, "ProviderName": provider, "ProviderURL": f"https://{provider}"}


def _after(handler: JsonObject, apply: Callable[[str, JsonObject], None]) -> None:
    """Let `apply(physical id, properties)` follow each create and update."""
    create, update = handler["create"], handler["update"]

    def created(logical_id: str, properties: JsonObject, stack: str) -> Provisioned:
        result: Provisioned = create(logical_id, properties, stack)
        apply(result[0], properties)
        return result

    def updated(
        physical_id: str, old: JsonObject, new: JsonObject, stack: str, *logical_id: str
    ) -> Provisioned:
        result: Provisioned = update(physical_id, old, new, stack, *logical_id)
        apply(result[0], new)
        return result

    handler["create"], handler["update"] = created, updated


def _apply_table_properties(table: str, properties: JsonObject) -> None:
    # A GlobalTable (TableV2) says of each replica what a Table says of itself.
    replica = (properties.get("Replicas") or [{}])[0]
    ttl = properties.get("TimeToLiveSpecification")
    if ttl and ttl.get("AttributeName"):
        _done(dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": ttl}))
    recovery = properties.get("PointInTimeRecoverySpecification") or replica.get(
        "PointInTimeRecoverySpecification"
    )
    if recovery:
        _done(
            dynamodb._update_continuous_backups(
                {"TableName": table, "PointInTimeRecoverySpecification": recovery}
            )
        )
    encryption = properties.get("SSESpecification")
    if encryption:
        specification = {
            "Enabled": encryption.get("SSEEnabled", encryption.get("Enabled", True)),
            "SSEType": encryption.get("SSEType", "KMS"),
        }
        key = encryption.get("KMSMasterKeyId") or (replica.get("SSESpecification") or {}).get(
            "KMSMasterKeyId"
        )
        if key:
            specification["KMSMasterKeyId"] = key
        _done(dynamodb._update_table({"TableName": table, "SSESpecification": specification}))
    if "DeletionProtectionEnabled" in replica:
        dynamodb._tables[table]["DeletionProtectionEnabled"] = replica["DeletionProtectionEnabled"]


def _apply_reserved_concurrency(function: str, properties: JsonObject) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is not None:
        _done(
            lambda_svc._put_function_concurrency(
                function, {"ReservedConcurrentExecutions": int(reserved)}
            )
        )


def _done(answer: Any) -> None:
    """Raise what CloudFormation then reports as the resource's failure."""
    if answer[0] >= 400:  # noqa: PLR2004 - HTTP's first error status
        raise ValueError(answer[2].decode())


def _ref_is_the_arn(handler: JsonObject) -> None:
    """CloudFormation's Ref of a Secret is its ARN; the handlers below know it by name."""
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def name_of(physical_id: str) -> str:
        name, _ = secretsmanager._resolve(physical_id)
        return name or physical_id

    def created(logical_id: str, properties: JsonObject, stack: str) -> Provisioned:
        _, attributes = create(logical_id, properties, stack)
        return attributes["Arn"], attributes

    def updated(
        physical_id: str, old: JsonObject, new: JsonObject, stack: str, *logical_id: str
    ) -> Provisioned:
        _, attributes = update(name_of(physical_id), old, new, stack, *logical_id)
        return attributes["Arn"], attributes

    def deleted(physical_id: str, properties: JsonObject) -> None:
        delete(name_of(physical_id), properties)

    handler.update(create=created, update=updated, delete=deleted)
