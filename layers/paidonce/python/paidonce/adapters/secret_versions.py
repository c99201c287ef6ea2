"""One secret in Secrets Manager with its versions and labels, for those who change it."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters.aws import asking, code_of
from paidonce.adapters.secrets import secret_name
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.moment import iso
from paidonce.use_cases.rotation_ports import VersionMade

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# UpdateSecretVersionStage's words for "the label is not where you say".
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
_NOT_THERE = frozenset({"InvalidParameterException", "InvalidRequestException"})


class StoredSecretVersions:
    """The ports `SecretVersions` and `SecretHistory`."""

    def __init__(self, client: "SecretsManagerClient", *, arn: str) -> None:
        self._client = client
        self._arn = arn
        self.name = secret_name(arn)

    def labels(self) -> Mapping[str, str]:
        """See `SecretVersions.labels`."""
        with asking("Secrets Manager"):
            found = self._client.describe_secret(SecretId=self._arn)
        return {
            label: version_id
            for version_id, labels in found.get("VersionIdsToStages", {}).items()
            for label in labels
        }

    def made(self) -> Sequence[VersionMade] | None:
        """See `SecretHistory.made`."""
        found: list[VersionMade] = []
        asked: dict[str, Any] = {"SecretId": self._arn, "IncludeDeprecated": True}
        with asking("Secrets Manager"):
            try:
                # boto3 has no paginator for it.
                while True:
                    page = self._client.list_secret_version_ids(**asked)
                    found += [_made(one) for one in page["Versions"]]
                    if not page.get("NextToken"):
                        return found
                    asked["NextToken"] = page["NextToken"]
            except ClientError as error:
                if code_of(error) != "AccessDeniedException":
                    raise
                return None

    def read(self, version_id: str) -> Mapping[str, Any] | None:
        """See `SecretVersions.read`."""
        with asking("Secrets Manager"):
            try:
                found = self._client.get_secret_value(SecretId=self._arn, VersionId=version_id)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                return None
        try:
            document = json.loads(found.get("SecretString") or "null")
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def put(self, document: Mapping[str, Any], *, version_id: str, label: str) -> None:
        """See `SecretVersions.put`."""
        with asking("Secrets Manager"):
            self._client.put_secret_value(
                SecretId=self._arn,
                ClientRequestToken=version_id,
                # One way to write it: a repeat must be the same to the byte.
                SecretString=json.dumps(document, sort_keys=True),
                VersionStages=[label],
            )

    def move(self, label: str, *, to: str | None, taken_from: str | None) -> None:
        """See `SecretVersions.move`."""
        versions = {"MoveToVersionId": to, "RemoveFromVersionId": taken_from}
        with asking("Secrets Manager"):
            try:
                self._client.update_secret_version_stage(
                    SecretId=self._arn,
                    VersionStage=label,
                    **{name: version for name, version in versions.items() if version},
                )
            except ClientError as error:
                # The code is one for many mistakes: only the labels tell whether it is this one.
                if code_of(error) not in _NOT_THERE or self.labels().get(label) == taken_from:
                    raise
                raise ChangedMeanwhile(f"{label} of {self.name}") from error


def _made(version: Mapping[str, Any]) -> VersionMade:
    return VersionMade(
        id=version["VersionId"],
        made_at=iso(version["CreatedDate"].timestamp()),
        labels=frozenset(version.get("VersionStages", ())),
    )
