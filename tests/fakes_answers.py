"""Powertools' store of answers in memory: what it writes to DynamoDB, over a dictionary."""

import datetime as dt
from threading import Lock

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from paidonce.adapters.api.idempotent import StoredAnswers

KEPT_SECONDS = 86_400


class AnswersInMemory(BasePersistenceLayer):
    """`DynamoDBPersistenceLayer`, with its conditions."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools' own has no types
        self.records: dict[str, DataRecord] = {}
        self._lock = Lock()

    def _get_record(self, idempotency_key: str) -> DataRecord:
        try:
            return self.records[idempotency_key]
        except KeyError:
            raise IdempotencyItemNotFoundError from None

    def _put_record(self, data_record: DataRecord) -> None:
        with self._lock:
            stands = self.records.get(data_record.idempotency_key)
            if stands is not None and not self._is_over(stands):
                self._validate_payload(data_payload=data_record, stored_data_record=stands)
                raise IdempotencyItemAlreadyExistsError(old_data_record=stands)
            self.records[data_record.idempotency_key] = data_record

    def _is_over(self, record: DataRecord) -> bool:
        held_until = record.in_progress_expiry_timestamp
        is_killed = record.status == "INPROGRESS" and held_until is not None
        now_ms = dt.datetime.now(dt.UTC).timestamp() * 1000
        return record.is_expired or (is_killed and (held_until or 0) < now_ms)

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self.records.pop(data_record.idempotency_key, None)


def stored_answers_in_memory() -> StoredAnswers:
    """For a function over fakes."""
    return StoredAnswers(AnswersInMemory(), kept_seconds=KEPT_SECONDS)
