"""A repeat with the same Idempotency-Key gets the first answer, and waits while it is being made.

What is stored is a cache of answers and a lock, never the truth: rows are written before Stripe is
called, and a request that finds no answer here finds them (design 3.2, 3.7).
"""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from pydantic import BaseModel

from paidonce.adapters.api.exchange import Exchange, current
from paidonce.adapters.aws import is_temporary
from paidonce.adapters.http import status_of
from paidonce.domain.errors import (
    CardDeclined,
    IdempotencyConflict,
    IdempotencyInProgress,
    NotFound,
    PaidOnceError,
    Rejected,
    StateConflict,
    TryAgain,
)
from paidonce.domain.fingerprint import fingerprint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Leases of the workers stand in the same table, under the names of their functions.
_KEY_PREFIX = "answer"
_KEY_ARGUMENT = "idempotency_key"
# The fields of an answer that are for the caller's eyes alone, and what is worth nothing without
# them: a session's id beside its address.
_NEVER_STORED = {"client_secret": {"client_secret"}, "url": {"id", "url"}}
# No answer has such a value elsewhere. Where a caller's own text looks like one, the row answers.
_LIKE_A_SECRET = re.compile(r"_secret_|https?://")
_MADE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_REFUSALS: Mapping[str, type[Rejected]] = {
    kind.code: kind for kind in (CardDeclined, NotFound, StateConflict)
}


class StoredAnswers:
    """Final answers by caller, method, path and key, for `kept_seconds`; Powertools' idempotency.

    `store` is where Powertools writes them.
    """

    def __init__(self, store: BasePersistenceLayer, *, kept_seconds: int) -> None:
        self._kept_seconds = kept_seconds
        self._store = store
        # Powertools does this at the first use, when two of them could meet.
        store.configure(self._config(), key_prefix=_KEY_PREFIX)

    @classmethod
    def in_table(
        cls, client: "DynamoDBClient", *, idempotency_table: str, kept_seconds: int
    ) -> "StoredAnswers":
        """Over the table of leases."""
        store = DynamoDBPersistenceLayer(table_name=idempotency_table, boto3_client=client)
        return cls(store, kept_seconds=kept_seconds)

    def once(
        self, *, key: str, content: str, work: "Work", exchange: Exchange[Any]
    ) -> Mapping[str, Any] | None:
        """Do the work and store what is final of it; a document is what an earlier one stored.

        `key` and `content` are fingerprints. None when the work was done now, whether its answer
        could be stored or not. Raises what the work raises, IdempotencyConflict (same key, other
        content), IdempotencyInProgress, and TryAgain with nothing done when the store is away.
        """
        config = self._config()
        # Otherwise an invocation that is killed would hold its key until the answer's own expiry.
        config.register_lambda_context(exchange.context)
        guarded: Callable[..., Any] = idempotent_function(
            work.stored,
            data_keyword_argument="asked",
            persistence_store=self._store,
            config=config,
            key_prefix=_KEY_PREFIX,
        )
        try:
            found: Mapping[str, Any] = guarded(asked={"key": key, "content": content})
        except NotFinal:
            return None
        except IdempotencyValidationError as error:
            raise IdempotencyConflict(
                "This Idempotency-Key came before with another body."
            ) from error
        except IdempotencyAlreadyInProgressError as error:
            raise IdempotencyInProgress(
                "The first request with this Idempotency-Key is still under way."
            ) from error
        except IdempotencyInconsistentStateError as error:
            raise TryAgain("the stored answer came and went") from error
        except IdempotencyPersistenceLayerError as error:
            _not_stored(error, work, exchange)
            return None
        return None if work.is_done else found

    def _config(self) -> IdempotencyConfig:
        return IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="content",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=self._kept_seconds,
            hash_function="sha256",
        )


class NotFinal(Exception):  # noqa: N818 - a fact, raised through Powertools so that it stores nothing
    """The answer that was made is not one to be given again."""


class Work:
    """A request's own work: what it answered or raised, and what of that may be stored."""

    def __init__(self, answer: Callable[[], Response[Any]]) -> None:
        self._answer = answer
        self._response: Response[Any] | None = None
        self.error: Exception | None = None

    @property
    def is_done(self) -> bool:
        """True once the work has come to an end, good or bad."""
        return self._response is not None or self.error is not None

    def stored(self, *, asked: object) -> dict[str, Any]:  # noqa: ARG002 - Powertools reads the key from the arguments
        """Do it. Raises what is not final, so that nothing is stored and the lock is released."""
        try:
            self._response = self._answer()
        except Exception as error:
            self.error = error
            kept = kept_of_refusal(error)
            if kept is None:
                raise
            return kept
        kept = kept_of_answer(self._response.status_code, self._response.body)
        if kept is None:
            raise NotFinal
        return kept

    def outcome(self) -> Response[Any]:
        """What it answered; raises what it raised."""
        if self.error is not None:
            raise self.error
        if self._response is None:
            raise LookupError("the work was not done")
        return self._response


def answer_once(
    app: APIGatewayHttpResolver, next_middleware: Callable[..., Response[Any]]
) -> Response[Any]:
    """Between a route and its request, once that is known to be valid: the first answer again.

    Powertools' middleware. A request without the key, as GET and DELETE may be, passes through.
    """
    key = app.context["_route_args"].get(_KEY_ARGUMENT)
    if key is None:
        return next_middleware(app)
    exchange = current(app)
    # A caller who has lost a scope since is not shown what it once opened.
    caller = exchange.caller(*_scopes(app))
    work = Work(lambda: next_middleware(app))
    event = app.current_event
    found = exchange.services.stored_answers.once(
        key=fingerprint(caller.issuer, caller.subject, event.http_method, event.path, key),
        content=_content(app.context["_route_args"]),
        work=work,
        exchange=exchange,
    )
    if found is None:
        return work.outcome()
    exchange.services.telemetry.fact(
        "answer given again",
        request_id=exchange.request_id,
        correlation_id=exchange.correlation_id,
        route=exchange.event.get("routeKey"),
    )
    return _again(found, lambda: next_middleware(app))


def kept_of_answer(status: int, body: object) -> dict[str, Any] | None:
    """What is stored of an answer: final, and without its secrets; None when it is not final."""
    if status not in _MADE or not isinstance(body, Mapping):
        return None
    secret = [name for name in _NEVER_STORED if body.get(name) is not None]
    left_out = set().union(*(_NEVER_STORED[name] for name in secret))
    open_part = {name: value for name, value in body.items() if name not in left_out}
    kept = {"status": int(status), "body": open_part, "left_out": sorted(left_out)}
    return None if _LIKE_A_SECRET.search(json.dumps(kept)) else kept


def kept_of_refusal(error: Exception) -> dict[str, Any] | None:
    """The same of an error: 402, 404 and 409 `state_conflict` are final."""
    if not isinstance(error, PaidOnceError) or _REFUSALS.get(error.code) is not type(error):
        return None
    kept = {"status": status_of(error), "refused": error.code, "message": str(error)}
    return None if _LIKE_A_SECRET.search(json.dumps(kept)) else kept


def _again(found: Mapping[str, Any], repeat: Callable[[], Response[Any]]) -> Response[Any]:
    """The stored answer, and what is never stored as the row and Stripe have it now.

    That is asked as by a new request, whose refusals and 202 count: a secret that cannot be read
    now is one to ask for again.
    """
    if "refused" in found:
        error = _REFUSALS[found["refused"]](found["message"])
        error.is_repeat = True
        raise error
    body = dict(found["body"])
    if found["left_out"]:
        fresh = repeat()
        if fresh.status_code not in _MADE:
            return fresh
        shown: Any = fresh.body
        body |= {name: shown.get(name) for name in found["left_out"]}
    return Response(
        status_code=found["status"],
        content_type="application/json",
        headers={"Cache-Control": "no-store", "Idempotent-Replayed": "true"},
        body=body,
    )


def _not_stored(
    error: IdempotencyPersistenceLayerError, work: Work, exchange: Exchange[Any]
) -> None:
    """What to make of a store that fails: before the work nothing is done, after it, it counts."""
    if work.is_done:
        # The lock ends with this invocation's time; until then a repeat is told to wait.
        telemetry = exchange.services.telemetry
        telemetry.count("AnswersNotStored")
        telemetry.fault("answer not stored", error, request_id=exchange.request_id)
        return
    if error.__cause__ is not None and is_temporary(error.__cause__):
        raise TryAgain("the stored answers are away") from error
    raise error


def _scopes(app: APIGatewayHttpResolver) -> list[str]:
    """What the route says of itself in the OpenAPI document."""
    needed = app.context["_route"].security or []
    return [scope for one in needed for scopes in one.values() for scope in scopes]


def _content(arguments: Mapping[str, Any]) -> str:
    """What is asked, as the route gets it; a field that is null is one that is not there."""
    plain = {
        name: value.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        if isinstance(value, BaseModel)
        else value
        for name, value in arguments.items()
        if name != _KEY_ARGUMENT
    }
    # No body and an empty one ask for the same.
    return fingerprint({name: value for name, value in plain.items() if value not in (None, {})})
