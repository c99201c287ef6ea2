"""The document of the secret `signing`: every live webhook endpoint, and its signing secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from paidonce.domain.moment import iso, seconds

# The plain route's name; another is the last part of /webhooks/stripe/{endpoint}.
DEFAULT_NAME = "default"
# A successor a month and days of overlap need two; more means that retirement does not work.
LIVE_OF_A_NAME_MAX = 4
# Stripe's own limit of an account: https://docs.stripe.com/webhooks#webhook-endpoint-def
ENDPOINTS_MAX = 16


@dataclass(frozen=True, kw_only=True)
class LiveEndpoint:
    """One endpoint at Stripe. Times are ISO 8601, UTC; `retire_after` once it has a successor."""

    id: str
    name: str
    secret: str = field(repr=False)
    created: str
    retire_after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """An endpoint whose time is over, and the one of its name that was made next."""

    endpoint: LiveEndpoint
    successor: LiveEndpoint


@dataclass(frozen=True, kw_only=True)
class SigningDocument:
    """Live endpoints, newest first. `based_on`: the version of the secret that it was made from."""

    endpoints: tuple[LiveEndpoint, ...] = ()
    based_on: str | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "SigningDocument":
        """A stored document, or the placeholder of a first deploy.

        Raises ValueError, without any value in it, for anything else: such a document must be
        mended by a person and not be written over.
        """
        entries = document.get("endpoints")
        if not isinstance(entries, list):
            raise ValueError("the signing document has no list of endpoints")  # noqa: TRY004 - the document is wrong, not its caller
        return cls(
            endpoints=tuple(_endpoint(entry) for entry in entries),
            based_on=document.get("based_on"),
        )

    def written(self) -> dict[str, Any]:
        """The reverse of `read`."""
        return {
            "based_on": self.based_on,
            "endpoints": [
                {
                    "id": one.id,
                    "name": one.name,
                    "secret": one.secret,
                    "created": one.created,
                    "retire_after": one.retire_after,
                }
                for one in self.endpoints
            ],
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Each name that has an endpoint."""
        return tuple(dict.fromkeys(one.name for one in self.endpoints))

    @property
    def ids(self) -> frozenset[str]:
        """Stripe's ids of them all."""
        return frozenset(one.id for one in self.endpoints)

    def live(self, name: str) -> tuple[LiveEndpoint, ...]:
        """Those of a name, newest first."""
        return tuple(one for one in self.endpoints if one.name == name)

    def newest(self, name: str) -> LiveEndpoint | None:
        """The one of a name that stays."""
        return next(iter(self.live(name)), None)

    def succeeded(self, new: LiveEndpoint, *, retire_after: float) -> "SigningDocument":
        """With one more endpoint first; those of its name go after that time, or at their own."""
        when = iso(retire_after)
        kept = tuple(
            replace(one, retire_after=when)
            if one.name == new.name and one.retire_after is None
            else one
            for one in self.endpoints
            if one.id != new.id
        )
        return replace(self, endpoints=(new, *kept))

    def without(self, *endpoint_ids: str) -> "SigningDocument":
        """Without these."""
        kept = tuple(one for one in self.endpoints if one.id not in endpoint_ids)
        return replace(self, endpoints=kept)

    def with_secret(self, endpoint_id: str, secret: str) -> "SigningDocument":
        """With another secret of one endpoint: it was rolled in Stripe's Dashboard."""
        changed = tuple(
            replace(one, secret=secret) if one.id == endpoint_id else one for one in self.endpoints
        )
        return replace(self, endpoints=changed)

    def made_from(self, version_id: str) -> "SigningDocument":
        """The same, naming the version of the secret that it was made from."""
        return replace(self, based_on=version_id)

    def due(self, *, now: float) -> tuple[Retirement, ...]:
        """Every endpoint whose `retire_after` has passed; the newest of a name never is."""
        found = []
        for name in self.names:
            live = self.live(name)
            for successor, endpoint in pairwise(live):
                if endpoint.retire_after is not None and seconds(endpoint.retire_after) <= now:
                    found.append(Retirement(endpoint=endpoint, successor=successor))
        return tuple(found)


def _endpoint(entry: object) -> LiveEndpoint:
    if not isinstance(entry, Mapping):
        raise ValueError("an entry of the signing document is no object")  # noqa: TRY004 - the document is wrong, not its caller
    texts = {name: entry.get(name) for name in ("id", "name", "secret", "created")}
    missing = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    if missing:
        raise ValueError(f"an entry of the signing document lacks {', '.join(missing)}")
    retire_after = entry.get("retire_after")
    return LiveEndpoint(
        **{name: str(value) for name, value in texts.items()},
        retire_after=None if retire_after is None else str(retire_after),
    )
