"""What happens when Stripe refuses a key (401): which versions are tried, and when none is.

One breaker for each secret, in the state table: `breaker#<secret name>`. A missing permission (403)
is no matter of the key's and never opens it.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.adapters.secrets import KeyVersion
from paidonce.domain.errors import KeyRefused
from paidonce.domain.moment import iso
from paidonce.use_cases.ports import Clock, Telemetry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_UNAUTHORIZED = 401
# A closed breaker is looked at once for a request, not once for each of its calls.
_CLOSED_LASTS_SECONDS = 1.0
# While it is open, a container asks Secrets Manager for another version at most this often.
_REFRESH_SECONDS = 5
# A previous key that works is used this long before the current one is tried again.
_PREVIOUS_LASTS_SECONDS = 60


class KeySource(Protocol):
    """Where the versions of a restricted key come from: the secret of this name."""

    secret_name: str

    def current(self, *, anew: bool = False) -> KeyVersion:
        """AWSCURRENT, cached or as it is stored now; raises NotConfigured, TryAgain."""
        ...

    def previous(self) -> KeyVersion | None:
        """AWSPREVIOUS, if there is one; raises TryAgain."""
        ...


class KeyTries:
    """The versions of a key that one call may try: as cached, as stored now, and the one before."""

    def __init__(self, key: KeySource, *, clock: Clock, telemetry: Telemetry) -> None:
        self._key = key
        self._clock = clock
        self._telemetry = telemetry
        # What works in the place of which current version, and until when.
        self._instead: tuple[KeyVersion, str, float] | None = None

    def each(self) -> Iterator[KeyVersion]:
        """Each version that is worth a try; the next one is asked for when one was refused."""
        cached = self._key.current()
        instead = self._in_the_place_of(cached)
        if instead is not None:
            yield instead
            self._instead = None
        yield cached
        current = self._key.current(anew=True)
        if current.key != cached.key:
            yield current
        self._telemetry.count("StripeKeyRefused")
        previous = self._key.previous()
        if previous is not None and previous.key not in (cached.key, current.key):
            until = self._clock.now() + _PREVIOUS_LASTS_SECONDS
            self._instead = (previous, current.version_id, until)
            yield previous
            self._instead = None

    def _in_the_place_of(self, cached: KeyVersion) -> KeyVersion | None:
        if self._instead is None:
            return None
        version, refused_id, until = self._instead
        return version if refused_id == cached.version_id and self._clock.now() < until else None


class Breaker:
    """Open while Stripe refuses a secret's key: nothing is asked of Stripe then, but by a probe."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        payments_table: str,
        key: KeySource,
        clock: Clock,
        telemetry: Telemetry,
        probe_seconds: int,
    ) -> None:
        self._client = client
        self._table = payments_table
        self._key = key
        self._clock = clock
        self._telemetry = telemetry
        self._probe_seconds = probe_seconds
        self._closed_until = 0.0
        self._refresh_at = 0.0

    def check(self, accepts: Callable[[KeyVersion], bool]) -> None:
        """Return while it is closed, or when this caller has closed it; otherwise raise KeyRefused.

        It closes when AWSCURRENT is another version than the one that failed, or when Stripe
        accepts that one again: one caller in `probe_seconds` asks `accepts`. Raises TryAgain too.
        """
        if self._clock.now() < self._closed_until:
            return
        failed_id = self._failed_version()
        if failed_id is not None and not self._closes(failed_id, accepts):
            self._telemetry.count("BreakerOpen")
            raise KeyRefused(
                f"Stripe refused the key in {self._key.secret_name}",
                http_status=_UNAUTHORIZED,
                retry_after_seconds=self._probe_seconds,
            )
        self._closed_until = self._clock.now() + _CLOSED_LASTS_SECONDS

    def open(self) -> None:
        """Stripe refused every version: note the current one's id, unless that stands there."""
        self._closed_until = 0.0
        now = int(self._clock.now())
        failed_id = self._key.current().version_id
        opened = self._write(
            "SET is_open = :yes, version_id = :failed, opened_at = :at, "
            "probe_after = :next, #schema = :schema",
            "attribute_not_exists(id) OR is_open = :no OR version_id <> :failed",
            yes=True,
            no=False,
            failed=failed_id,
            at=iso(now),
            next=now + self._probe_seconds,
            schema=items.SCHEMA,
        )
        self._telemetry.count("BreakerOpen")
        if opened:
            self._telemetry.fact(
                "breaker opened", secret=self._key.secret_name, secret_version=failed_id
            )

    def _failed_version(self) -> str | None:
        """The version that opened it; None while it is closed."""
        with asking("DynamoDB"):
            found = self._client.get_item(
                TableName=self._table, Key=items.key("id", self._id), ConsistentRead=True
            ).get("Item")
        if not found or not found["is_open"].get("BOOL"):
            return None
        return found["version_id"]["S"]

    def _closes(self, failed_id: str, accepts: Callable[[KeyVersion], bool]) -> bool:
        current = self._current_beside(failed_id)
        if current.version_id != failed_id:
            return self._close(failed_id, by="another version")
        if self._may_probe(failed_id) and accepts(current):
            return self._close(failed_id, by="probe")
        return False

    def _current_beside(self, failed_id: str) -> KeyVersion:
        """AWSCURRENT: a cached version that differs may be an older one, so it is read anew."""
        cached = self._key.current()
        now = self._clock.now()
        if cached.version_id == failed_id and now < self._refresh_at:
            return cached
        self._refresh_at = now + min(self._probe_seconds, _REFRESH_SECONDS)
        return self._key.current(anew=True)

    def _may_probe(self, failed_id: str) -> bool:
        now = int(self._clock.now())
        return self._write(
            "SET probe_after = :next",
            "is_open = :yes AND version_id = :failed AND probe_after <= :now",
            yes=True,
            failed=failed_id,
            now=now,
            next=now + self._probe_seconds,
        )

    def _close(self, failed_id: str, *, by: str) -> bool:
        """Close it, unless somebody has, or it was opened for another version since."""
        closed = self._write(
            "SET is_open = :no, closed_at = :at",
            "is_open = :yes AND version_id = :failed",
            yes=True,
            no=False,
            failed=failed_id,
            at=iso(self._clock.now()),
        )
        if closed:
            self._telemetry.count("BreakerClosed")
            self._telemetry.fact("breaker closed", secret=self._key.secret_name, by=by)
        return closed or self._failed_version() is None

    @property
    def _id(self) -> str:
        return f"breaker#{self._key.secret_name}"

    def _write(self, update: str, condition: str, **values: object) -> bool:
        """One conditional write; False when the condition does not hold (any more)."""
        names: dict[str, Any] = (
            {"ExpressionAttributeNames": {"#schema": "schema"}} if "#schema" in update else {}
        )
        with asking("DynamoDB"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=items.key("id", self._id),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=items.values(**values),
                    **names,
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True
