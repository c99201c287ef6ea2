"""Signing secrets that roll, appear and go, with Secrets Manager by moto."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.functions.receive_webhook.stage import NEW, OLD, Stage, error_of, payload


def test_a_rolled_secret_signs_twice_and_is_accepted_throughout(stage: Stage) -> None:
    assert stage.post(payload(), NEW, OLD)["statusCode"] == 200
    stage.put_secret(NEW, OLD)
    assert stage.post(payload(), NEW, OLD)["statusCode"] == 200
    assert stage.post(payload(), NEW)["statusCode"] == 200


def test_a_secret_that_is_only_pending_is_accepted_again_and_again(stage: Stage) -> None:
    stage.put_secret(NEW, OLD, stage="AWSPENDING")
    for _ in range(3):
        assert stage.post(payload(), NEW)["statusCode"] == 200
        assert stage.post(payload(), OLD)["statusCode"] == 200
        stage.clock.advance(10)


def test_a_secret_that_is_gone_is_refused_after_the_refresh(stage: Stage) -> None:
    assert stage.post(payload(), OLD)["statusCode"] == 200
    stage.put_secret(NEW)
    assert stage.post(payload(), NEW)["statusCode"] == 200
    assert error_of(stage.post(payload(), OLD)) == (400, "signature_invalid")


def test_a_flood_of_forgeries_is_no_traffic_to_secrets_manager(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One forced refresh (AWSCURRENT, AWSPENDING) per interval, however many forgeries."""
    reads: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # its stub hides what is private

    def counted(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "GetSecretValue":
            reads.append(parameters["VersionStage"])
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    assert stage.post(payload())["statusCode"] == 200
    assert reads == ["AWSCURRENT"]
    for minute in range(1, 4):
        for _ in range(100):
            assert error_of(stage.post(payload(), NEW)) == (400, "signature_invalid")
        assert reads[1:] == ["AWSCURRENT", "AWSPENDING"] * minute
        stage.clock.advance(60)
        assert len(stage.queued()) <= 1


def test_a_stage_with_both_placeholders_is_not_configured(start: Callable[..., Stage]) -> None:
    stage = start()
    for _ in range(3):
        answer = stage.post(payload())
        assert error_of(answer) == (503, "not_configured")
        assert int(answer["headers"]["retry-after"]) > 0


def test_the_first_secret_of_a_stage_may_be_pending(start: Callable[..., Stage]) -> None:
    stage = start()
    stage.put_secret(NEW, stage="AWSPENDING")
    assert stage.post(payload(), NEW)["statusCode"] == 200
