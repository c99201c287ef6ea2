"""A table's stream as Lambda reads it: what fails is tried again, in halves, and then given up.

ministack tries a batch that raised for ever and passes over records that a function reports.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, lambda_svc

from local.aws.patching import JsonObject, replace

logger = logging.getLogger("paidonce.streams")

# Lambda's own pauses grow as well; nobody waits for them on a laptop.
PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 2.0
# Lambda's "no limit" of tries and of age, which is also what it takes where nothing is said.
NO_LIMIT = -1


@dataclass
class Piece:
    """Records that go to the function together; `tries` counts those that failed."""

    records: list[JsonObject]
    tries: int = 0


@dataclass
class Reader:
    """Where one event source mapping stands: pieces of the batch that it read last.

    `end` is the stream's position after that batch: it is reached when no piece is left.
    """

    pieces: list[Piece] = field(default_factory=list)
    end: int = 0
    is_busy: bool = False
    not_before: float = 0.0


_readers: dict[str, Reader] = {}


def install() -> None:
    """Read streams in place of ministack."""
    replace(lambda_svc, "_poll_dynamodb_streams", poll)


def poll() -> bool:
    """Look at every mapping of a stream; True when one of them took something."""
    took = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        with responses.request_scope(account, region):
            took = _look(mapping, (account, region)) or took
    return took


def _look(mapping: JsonObject, place: tuple[str, str]) -> bool:
    table = _table_of(mapping)
    if table is None:
        return False
    reader = _readers.setdefault(mapping["UUID"], Reader())
    if reader.is_busy or time.monotonic() < reader.not_before:
        return False
    if not reader.pieces and not _read(mapping, table, reader):
        return False
    if reader.pieces:
        reader.is_busy = True
        # Beside the poller, which has queues to look at.
        lambda_svc._dispatch_esm_batch(mapping["UUID"], _work, mapping, reader, place)
    return True


def _table_of(mapping: JsonObject) -> str | None:
    """The table whose stream, as it is now, a mapping reads; None for all others."""
    if not mapping.get("Enabled", True):
        return None
    arn = mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in arn:
        return None
    named = lambda_svc._dynamodb_stream_table_from_arn_spec(lambda_svc.parse_arn(arn))
    table = named and dynamodb._tables.get(named[0])
    return named[0] if table and table.get("LatestStreamArn") == arn else None


def _read(mapping: JsonObject, table: str, reader: Reader) -> bool:
    """The next batch, without what the filter leaves out; False at the end of the stream."""
    horizon = dynamodb.stream_start_position(table)
    newest = dynamodb.stream_end_position(table)
    begins = horizon if mapping.get("StartingPosition") == "TRIM_HORIZON" else newest
    known = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"], begins)
    position = max(known, horizon)
    batch = dynamodb.stream_records_since(table, position, int(mapping.get("BatchSize", 100)))
    reader.end = position + len(batch)
    wanted = lambda_svc._apply_filter_criteria(batch, mapping)
    reader.pieces = [Piece(wanted)] if wanted else []
    if not wanted:
        _reached(mapping, reader.end)
    return bool(batch)


def _reached(mapping: JsonObject, position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position


def _work(mapping: JsonObject, reader: Reader, place: tuple[str, str]) -> None:
    """One invocation with the first piece, and what becomes of it."""
    with responses.request_scope(*place):
        try:
            _try_first(mapping, reader)
            if not reader.pieces:
                _reached(mapping, reader.end)
        except Exception:
            # The poller must go on with all other mappings; this one is tried again.
            logger.exception("A stream's batch was not worked on.")
            reader.not_before = time.monotonic() + PAUSE_SECONDS_MAX
        finally:
            reader.is_busy = False


def _try_first(mapping: JsonObject, reader: Reader) -> None:
    piece = reader.pieces[0]
    function, _ = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    if function is None:
        raise LookupError(f"{mapping['FunctionName']} does not exist")
    if _is_too_old(mapping, piece):
        _give_up(mapping, reader, function, {}, "RecordAgeExceeded")
        return
    result = lambda_svc._execute_function(function, {"Records": piece.records})
    failed = first_failure(mapping, piece.records, result)
    if failed is None:
        reader.pieces.pop(0)
        mapping["LastProcessingResult"] = f"OK - {len(piece.records)} records"
        return
    mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
    logger.warning("%s failed with a batch of a stream", mapping["FunctionName"])
    again = _again(mapping, piece, failed)
    reader.pieces[:1] = again
    limit = int(mapping.get("MaximumRetryAttempts", NO_LIMIT))
    if limit != NO_LIMIT and again[0].tries > limit:
        _give_up(mapping, reader, function, result, "RetryAttemptsExhausted")
        return
    pause = min(PAUSE_SECONDS * 2 ** again[0].tries, PAUSE_SECONDS_MAX)
    reader.not_before = time.monotonic() + pause


def _again(mapping: JsonObject, piece: Piece, failed: int) -> list[Piece]:
    """What is left from the first failed record on; a batch that is split has not used up a try."""
    left = piece.records[failed:]
    if len(left) > 1 and str(mapping.get("BisectBatchOnFunctionError", "")).lower() == "true":
        middle = len(left) // 2
        return [Piece(left[:middle], piece.tries), Piece(left[middle:], piece.tries)]
    # Whoever got further than before begins to count anew.
    return [Piece(left, 0 if failed else piece.tries + 1)]


def first_failure(mapping: JsonObject, records: list[JsonObject], result: JsonObject) -> int | None:
    """The index of the first record that failed; None when all is done.

    An answer that Lambda cannot read, or that names a record that was not there, means the whole.
    """
    if result.get("error") or result.get("throttle"):
        return 0
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return None
    body: Any = result.get("body")
    try:
        said = json.loads(body) if isinstance(body, str | bytes) and body else body
        named = [failure["itemIdentifier"] for failure in (said or {}).get("batchItemFailures", [])]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        return min((numbers.index(number) for number in named), default=None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0


def _is_too_old(mapping: JsonObject, piece: Piece) -> bool:
    limit = int(mapping.get("MaximumRecordAgeInSeconds", NO_LIMIT))
    created = float(piece.records[0]["dynamodb"]["ApproximateCreationDateTime"])
    return limit != NO_LIMIT and time.time() - created > limit


def _give_up(
    mapping: JsonObject, reader: Reader, function: JsonObject, result: JsonObject, condition: str
) -> None:
    """Tell the failure destination which records they were, and go on behind them."""
    piece = reader.pieces.pop(0)
    lambda_svc._send_ddb_stream_failure_record(
        mapping, function, piece.records, mapping["EventSourceArn"], result, condition
    )
