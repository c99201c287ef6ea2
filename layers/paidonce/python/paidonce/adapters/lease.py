"""A lock over work outside DynamoDB: it saves double work and is never believed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
)

from paidonce.adapters.aws import is_temporary
from paidonce.domain.errors import TryAgain

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient


class PowertoolsLease:
    """The port `Lease`. It expires after `lease_seconds`: the queue's visibility timeout.

    The handler calls `register_lambda_context` at each invocation: a killed one then holds its keys
    no longer than it could have run.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        idempotency_table: str,
        key_prefix: str,
        lease_seconds: int,
    ) -> None:
        self._store = DynamoDBPersistenceLayer(table_name=idempotency_table, boto3_client=client)
        self._key_prefix = key_prefix
        self._config = IdempotencyConfig(
            expires_after_seconds=lease_seconds, raise_on_no_idempotency_key=True
        )

    def register_lambda_context(self, context: "LambdaContext") -> None:
        """Tell how long this invocation may still run."""
        self._config.register_lambda_context(context)

    def hold(self, key: str, work: Callable[[], None]) -> bool:
        """See `Lease.hold`."""
        run = _Run(work)
        try:
            self._guarded(run)(key=key)
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
            raise TryAgain("somebody else works on it") from error
        except IdempotencyPersistenceLayerError as error:
            if run.failure is not None:
                # The lease could not be released; it expires. What went wrong in the work counts.
                raise run.failure from error
            if not run.is_done:
                if error.__cause__ is not None and is_temporary(error.__cause__):
                    raise TryAgain("the lease could not be taken") from error
                raise
            # Done, but not noted as done: the ledger knows, and the lease expires.
        return run.is_done

    def _guarded(self, run: "_Run") -> Callable[..., Any]:
        """The one typed place of Powertools' untyped decorator."""
        guarded: Callable[..., Any] = idempotent_function(
            run.do,
            data_keyword_argument="key",
            persistence_store=self._store,
            config=self._config,
            key_prefix=self._key_prefix,
        )
        return guarded


class _Run:
    """Whether the work was run, and how it ended."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.is_done = False
        self.failure: Exception | None = None

    def do(self, *, key: str) -> None:  # noqa: ARG002 - Powertools reads the key from the arguments
        """Run the work once."""
        try:
            self._work()
        except Exception as error:
            self.failure = error
            raise
        self.is_done = True
