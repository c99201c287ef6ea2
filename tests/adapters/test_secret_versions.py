"""Versions and labels of a secret, over the fake, moto and the local cloud."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from paidonce.adapters.secret_versions import StoredSecretVersions
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.rotation import CURRENT, EDITED, PENDING, PREVIOUS
from paidonce.use_cases.rotation_ports import SecretVersions

from tests.adapters.places import Place
from tests.fakes_rotation import FakeSecretVersions

ARN = "arn:aws:secretsmanager:r:1:secret:paidonce/x-abcdef"
NEW, OTHER = "n" * 32, "o" * 64
FIRST: dict[str, Any] = {"endpoints": [], "based_on": None}
SECOND: dict[str, Any] = {"endpoints": ["x"], "based_on": "v"}


@pytest.fixture
def secret(place: Place | None) -> FakeSecretVersions | StoredSecretVersions:
    if place is None:
        return FakeSecretVersions(FIRST)
    return StoredSecretVersions(place.client("secretsmanager"), arn=place.secret(json.dumps(FIRST)))


def test_the_current_version_is_found_by_its_label(secret: SecretVersions) -> None:
    labels = secret.labels()
    assert set(labels) == {CURRENT}
    assert secret.read(labels[CURRENT]) == FIRST


def test_a_version_that_is_not_there_has_no_document(secret: SecretVersions) -> None:
    assert secret.read(NEW) is None


def test_a_new_version_stands_under_its_own_label_only(secret: SecretVersions) -> None:
    current = secret.labels()[CURRENT]
    secret.put(SECOND, version_id=NEW, label=EDITED)
    assert secret.labels() == {CURRENT: current, EDITED: NEW}
    assert secret.read(NEW) == SECOND
    assert secret.read(current) == FIRST


def test_the_same_put_again_changes_nothing(secret: SecretVersions) -> None:
    secret.put(SECOND, version_id=NEW, label=EDITED)
    before = secret.labels()
    secret.put(dict(reversed(SECOND.items())), version_id=NEW, label=EDITED)
    assert secret.labels() == before


def test_current_is_moved_from_the_version_that_was_read(secret: SecretVersions) -> None:
    first = secret.labels()[CURRENT]
    secret.put(SECOND, version_id=NEW, label=EDITED)
    secret.move(CURRENT, to=NEW, taken_from=first)
    assert secret.labels() == {CURRENT: NEW, EDITED: NEW, PREVIOUS: first}


def test_current_is_not_moved_from_a_version_that_lost_it_meanwhile(
    secret: SecretVersions,
) -> None:
    first = secret.labels()[CURRENT]
    secret.put(SECOND, version_id=NEW, label=EDITED)
    secret.put(FIRST, version_id=OTHER, label="MINE")
    secret.move(CURRENT, to=NEW, taken_from=first)
    with pytest.raises(ChangedMeanwhile):
        secret.move(CURRENT, to=OTHER, taken_from=first)
    assert secret.labels()[CURRENT] == NEW


def test_a_label_moves_to_the_version_that_is_put_last(secret: SecretVersions) -> None:
    """What a crashed edit left under it is forgotten."""
    secret.put(SECOND, version_id=NEW, label=EDITED)
    secret.put(FIRST, version_id=OTHER, label=EDITED)
    assert secret.labels()[EDITED] == OTHER


def test_a_label_is_taken_off_once(secret: SecretVersions) -> None:
    secret.put(SECOND, version_id=NEW, label=PENDING)
    secret.move(PENDING, to=None, taken_from=NEW)
    assert set(secret.labels()) == {CURRENT}
    with pytest.raises(ChangedMeanwhile):
        secret.move(PENDING, to=None, taken_from=NEW)


def test_what_the_label_is_on_can_be_moved_to_without_a_label_of_its_own(
    secret: SecretVersions,
) -> None:
    """Somebody tidied EDITED up between an edit's two calls."""
    first = secret.labels()[CURRENT]
    secret.put(SECOND, version_id=NEW, label=EDITED)
    secret.move(EDITED, to=None, taken_from=NEW)
    secret.move(CURRENT, to=NEW, taken_from=first)
    assert secret.labels()[CURRENT] == NEW


def test_its_history_knows_versions_that_no_label_is_on_any_more(
    secret: FakeSecretVersions | StoredSecretVersions,
) -> None:
    first = secret.labels()[CURRENT]
    secret.put(SECOND, version_id=NEW, label=EDITED)
    secret.put(FIRST, version_id=OTHER, label=EDITED)
    made = secret.made()
    assert made is not None
    assert {one.id: one.labels for one in made} == {first: {CURRENT}, NEW: set(), OTHER: {EDITED}}
    # ISO 8601 to the millisecond, UTC.
    assert {len(one.made_at) for one in made} == {24}


def test_a_history_of_several_pages_is_read_whole() -> None:
    client = boto3.client(
        "secretsmanager", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    at = datetime.fromtimestamp(1_790_000_000, tz=UTC)
    asked = {"SecretId": ARN, "IncludeDeprecated": True}
    with Stubber(client) as stub:
        for number, before, after in ((1, None, "two"), (2, "two", None)):
            said = {"Versions": [{"VersionId": str(number) * 32, "CreatedDate": at}]}
            stub.add_response(
                "list_secret_version_ids",
                said | ({"NextToken": after} if after else {}),
                asked | ({"NextToken": before} if before else {}),
            )
        made = StoredSecretVersions(client, arn=ARN).made()
    assert made is not None
    assert [one.id[0] for one in made] == ["1", "2"]
    assert made[0].made_at == "2026-09-21T14:13:20.000Z"


def test_a_history_that_we_may_not_ask_for_is_none_and_no_crash() -> None:
    assert stubbed("AccessDeniedException", "list_secret_version_ids").made() is None
    with pytest.raises(TryAgain):
        stubbed("InternalServiceError", "list_secret_version_ids", status=500).made()
    with pytest.raises(ClientError):
        stubbed("ResourceNotFoundException", "list_secret_version_ids").made()


def stubbed(code: str, call: str, *, status: int = 400) -> StoredSecretVersions:
    client = boto3.client(
        "secretsmanager",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    stub = Stubber(client)
    stub.add_client_error(call, code, http_status_code=status)
    stub.activate()
    return StoredSecretVersions(client, arn=ARN)


def test_what_may_pass_is_asked_again_and_what_does_not_passes_through() -> None:
    with pytest.raises(TryAgain):
        stubbed("InternalServiceError", "describe_secret", status=500).labels()
    with pytest.raises(ClientError):
        stubbed("AccessDeniedException", "get_secret_value").read(NEW)
    with pytest.raises(ClientError):
        stubbed("AccessDeniedException", "update_secret_version_stage").move(
            CURRENT, to=NEW, taken_from=OTHER
        )


def test_a_text_that_is_no_json_object_is_no_document(moto: Place) -> None:
    secret = StoredSecretVersions(moto.client("secretsmanager"), arn=moto.secret("pasted by hand"))
    assert secret.read(secret.labels()[CURRENT]) is None
