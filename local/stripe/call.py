"""One request, as a resource's function sees it."""

from dataclasses import dataclass
from typing import Any

from local.stripe.accounts import Account
from local.stripe.errors import missing
from local.stripe.keys import ApiKey
from local.stripe.shapes import Json
from local.stripe.store import Store


@dataclass(slots=True)
class Call:
    """A checked request: its account, its key, its typed parameters."""

    account: Account
    key: ApiKey
    params: Json
    path: dict[str, str]
    url: str
    release: str
    version: str

    @property
    def store(self) -> Store:
        """The account's objects."""
        return self.account.store

    @property
    def now(self) -> int:
        """The account's second."""
        return self.account.clock.now()

    @property
    def base(self) -> Json:
        """The fields that every new object takes from its account."""
        return {"created": self.now, "livemode": self.account.livemode}

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter."""
        return self.params.get(name, default)

    def named(self, kind: str, name: str) -> Json:
        """The object that the path names, for reading; 404 if there is none."""
        return found(self.account, kind, self.path[name], param=name)

    def edited(self, kind: str, name: str) -> Json:
        """The object that the path names, to be changed."""
        return self.store.edit(kind, self.named(kind, name)["id"])

    def referred(self, kind: str, param: str) -> Json | None:
        """The object whose id a parameter gives; None if it was not given, 400 if unknown."""
        given = self.params.get(param)
        if given is None or given == "":
            return None
        return found(self.account, kind, given, param=param, status=400)


def found(account: Account, kind: str, object_id: object, *, param: str, status: int = 404) -> Json:
    """An object that is there and not deleted, for reading; else Stripe's resource_missing."""
    present = account.store.find(kind, object_id)
    if present is None or present.get("deleted"):
        raise missing(kind, object_id, _param(kind, param), status=status)
    return present


def _param(kind: str, param: str) -> str:
    """What Stripe calls the path's id in `param`."""
    named = {"payment_intent": "intent", "setup_intent": "intent", "event": "id"}
    return named.get(kind, "id") if param in _PATH_NAMES else param


# Names of path parameters in Stripe's document that its errors call `id` or `intent`.
_PATH_NAMES = frozenset({"intent", "id", "subscription_exposed_id", "session", "invoiceitem"})
