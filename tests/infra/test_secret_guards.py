"""The policies on the secrets themselves, and the schedules by which they rotate."""

from tests.infra.templates import Assembly
from tests.infra.test_permissions import listed, statements


def readers(assembly: Assembly) -> dict[str, set[str]]:
    """Which functions' roles may read each secret, by the statements of their policies."""
    found: dict[str, set[str]] = {}
    for name, allowed in statements(assembly).items():
        for statement in allowed:
            if "secretsmanager:GetSecretValue" in listed(statement["Action"]):
                for secret in listed(statement["Resource"]):
                    found.setdefault(secret, set()).add(name)
    return found


def test_each_secret_refuses_everybody_but_its_readers_and_the_operators(prod: Assembly) -> None:
    roles = {
        function["Role"]: name.removeprefix("paidonce-prod-")
        for name, function in prod.resources("AWS::Lambda::Function").items()
    }
    policies = prod.resources("AWS::SecretsManager::ResourcePolicy").values()
    guarded = {}
    for policy in policies:
        assert policy["BlockPublicPolicy"] is True
        (statement,) = policy["ResourcePolicy"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert "secretsmanager:GetSecretValue" in statement["Action"]
        # An administrator can take the policy off, or nobody could ever mend it.
        assert "secretsmanager:DeleteResourcePolicy" not in statement["Action"]
        let_in = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert set(prod.stage.access.operators) <= set(let_in)
        guarded[policy["SecretId"]] = {roles[one] for one in let_in if one in roles}
        # Beside them the operators' roles, and CloudFormation's, which reads what it changes.
        operators = [one for one in let_in if "Operator" in one]
        # Who only looks has the key that only reads.
        assert len(operators) == (2 if policy["SecretId"].endswith("/reader") else 1)
        assert (
            len(let_in)
            == len(prod.stage.access.operators)
            + len(guarded[policy["SecretId"]])
            + len(operators)
            + 1
        )
        assert any("cdk-hnb659fds-cfn-exec-role-" in one for one in let_in)
    assert guarded == readers(prod)
    assert len(guarded) == 5


def test_every_secret_rotates_on_a_schedule_and_no_deployment_rotates_any(prod: Assembly) -> None:
    schedules = prod.resources("AWS::SecretsManager::RotationSchedule").values()
    assert {one["SecretId"] for one in schedules} == set(
        prod.resources("AWS::SecretsManager::Secret")
    )
    for one in schedules:
        assert one["RotateImmediatelyOnUpdate"] is False
        assert "Live" in str(one["RotationLambdaARN"])
        assert one["RotationRules"]["ScheduleExpression"].startswith("cron(")
