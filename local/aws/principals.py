"""A condition on aws:PrincipalArn sees a role's ARN, as on AWS, and not that of its session.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from local.aws.patching import replace

_resolve = iam_evaluator._resolve_condition_key


def install() -> None:
    """Put the mended look-up in place of ministack's."""
    replace(iam_evaluator, "_resolve_condition_key", resolve_condition_key)


def resolve_condition_key(key: str, asked: Any) -> Any:
    """The value of a condition's key in a request."""
    found = _resolve(key, asked)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
        return found
    name = iam_evaluator._role_name_from_assumed_arn(found)
    role = iam._roles.get_scoped(asked.principal_account, None, name)
    return role["Arn"] if role else found
