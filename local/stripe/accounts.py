"""Accounts: one for each secret key, with objects, clock, faults and deliveries of its own."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from local.stripe import versions
from local.stripe.clock import Clock
from local.stripe.faults import Faults
from local.stripe.idempotency import IdempotencyBook
from local.stripe.identifiers import new_id, random_letters
from local.stripe.keys import ApiKey, KeyKind, expired, not_given, not_valid, parse
from local.stripe.rate_limits import RateLimits
from local.stripe.rendering import rendered
from local.stripe.shapes import Json, previous_attributes, public
from local.stripe.spec.skeletons import skeleton
from local.stripe.store import Store
from local.stripe.timers import Timers
from local.stripe.witness import Witness


class FrozenTime:
    """A test clock: it stands still until somebody advances it."""

    def __init__(self, frozen_time: int) -> None:
        self._now = frozen_time
        self.timers = Timers(self)

    def now(self) -> int:
        """The second at which it stands."""
        return self._now

    def exact(self) -> float:
        """The same, for schedules."""
        return self._now

    def advance_to(self, moment: int) -> None:
        """Moves on, stopping at each timer on the way."""
        while (upcoming := self.timers.next_at()) is not None and upcoming <= moment:
            self._now = max(self._now, int(upcoming))
            self.timers.run_due()
        self._now = moment


@dataclass(frozen=True, slots=True)
class RequestMark:
    """Which request an event came from; both None for what Stripe does by itself."""

    id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True)
class Account:
    """Everything that one key opens."""

    # The letters of its secret key with the mode: one account id has a test and a live side.
    family: str
    id: str
    livemode: bool
    # Its place among the accounts of this server.
    number: int = 0
    # Where this server is reached, for the pages that it sends customers to.
    base_url: str = ""
    store: Store = field(default_factory=Store)
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    witness: Witness = field(default_factory=Witness)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    expired_keys: set[str] = field(default_factory=set)
    idempotency: IdempotencyBook = field(init=False)
    rate_limits: RateLimits = field(init=False)
    timers: Timers = field(init=False)
    request: RequestMark = field(default_factory=RequestMark)
    # The stopped clocks of customers that were made under a test clock, by its id.
    frozen: dict[str, "FrozenTime"] = field(default_factory=dict)
    # Told of each committed event; the outbox listens here.
    listeners: list[Callable[[Json], None]] = field(default_factory=list)
    # Events of the transaction that is under way.
    new_events: list[Json] = field(default_factory=list)
    _first_told: dict[tuple[str, str], Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.idempotency = IdempotencyBook(self.clock)
        self.rate_limits = RateLimits(self.livemode)
        self.timers = Timers(self.clock)

    def frozen_for(self, customer_id: str | None) -> "FrozenTime | None":
        """The test clock that a customer lives by, if there is one."""
        customer = self.store.find("customer", customer_id)
        return self.frozen.get((customer or {}).get("test_clock") or "")

    def now_for(self, customer_id: str | None) -> int:
        """The second that it is for a customer."""
        frozen = self.frozen_for(customer_id)
        return frozen.now() if frozen is not None else self.clock.now()

    def timers_for(self, customer_id: str | None) -> Timers:
        """The timers that move a customer's billing."""
        frozen = self.frozen_for(customer_id)
        return frozen.timers if frozen is not None else self.timers

    def emit(self, kind: str, about: Json, previous: Json | None = None) -> None:
        """Records an event with the object as it is now."""
        shown: Json = {"object": rendered(self, about)}
        if previous is not None:
            shown["previous_attributes"] = previous
        event = skeleton(
            "event",
            id=new_id("event"),
            api_version=versions.DEFAULT,
            created=self.clock.now(),
            data=shown,
            livemode=self.livemode,
            pending_webhooks=0,
            request={"id": self.request.id, "idempotency_key": self.request.idempotency_key},
            type=kind,
        )
        self.new_events.append(self.store.add(event))
        self._first_told.setdefault((about["object"], str(about.get("id"))), shown["object"])

    def emit_update(self, kind: str, about: Json) -> None:
        """Records an event with what changed, if anything did.

        The change is counted from the transaction's begin; for an object that was made in it,
        from the first event that told of it.
        """
        key = (about["object"], about["id"])
        before = self.store.before(*key) or self._first_told.get(key)
        if before is None:
            return
        changed = previous_attributes(public(before), public(about))
        if changed:
            self.emit(kind, about, changed)

    def commit(self) -> None:
        """Keeps what was done, and sends its events."""
        self.store.commit()
        self._first_told.clear()
        events, self.new_events = self.new_events, []
        for event in events:
            for listener in self.listeners:
                listener(event)

    def rollback(self) -> None:
        """Undoes what was done, and its events."""
        self.new_events.clear()
        self._first_told.clear()
        self.store.rollback()

    def clear(self) -> None:
        """An empty account; keys, clock and the record of what was asked stay."""
        self.new_events.clear()
        self.store.clear()
        self.timers.clear()
        self.frozen.clear()
        self.faults.clear()
        self.idempotency = IdempotencyBook(self.clock)


class Accounts:
    """All accounts of this server."""

    def __init__(self, on_open: Callable[[Account], None], default_key: str | None = None) -> None:
        self._by_family: dict[str, Account] = {}
        self._by_key: dict[str, Account] = {}
        self._on_open = on_open
        self._default_key = default_key
        # A default account that no key has opened yet: the first secret key takes it.
        self._unclaimed: Account | None = None

    def all(self) -> list[Account]:
        """Every account that was opened."""
        return list(self._by_family.values())

    def default(self) -> Account:
        """The account that controls mean when they name none: `--key`'s, or the first."""
        named = parse(self._default_key) if self._default_key else None
        if named is not None:
            return self._open(named)
        if not self._by_family:
            made_up = parse(f"{KeyKind.SECRET}_test_{random_letters()}")
            self._unclaimed = self._open(made_up) if made_up else None
        return next(iter(self._by_family.values()))

    def of_key(self, text: str) -> tuple[Account, ApiKey]:
        """The account and the key; 401 for one that opens nothing."""
        if not text:
            raise not_given()
        owner = self._by_key.get(text)
        if owner is not None:
            if text in owner.expired_keys:
                raise expired(text)
            return owner, owner.keys[text]
        key = parse(text)
        if key is None or key.kind is KeyKind.RESTRICTED:
            raise not_valid(text)
        account = self._open(key)
        self.add_key(account, key)
        return account, key

    def side(self, account: Account, *, livemode: bool) -> Account:
        """The same account in this mode."""
        if account.livemode == livemode:
            return account
        letters = account.family.partition("_")[2]
        mode = "live" if livemode else "test"
        return self.of_key(f"{KeyKind.SECRET}_{mode}_{letters}")[0]

    def add_key(self, account: Account, key: ApiKey) -> None:
        """Lets a key open an account."""
        account.keys[key.text] = key
        self._by_key[key.text] = account

    def _open(self, key: ApiKey) -> Account:
        """The account of a key's family, made when it is first asked for."""
        account = self._by_family.get(key.family)
        if account is None and self._unclaimed is not None and not self._default_key:
            account, self._unclaimed = self._unclaimed, None
            del self._by_family[account.family]
            account.family, account.livemode = key.family, key.livemode
            self._by_family[key.family] = account
        if account is None:
            digest = hashlib.sha256(key.letters.encode()).hexdigest()
            account = Account(key.family, id=f"acct_1{digest[:15]}", livemode=key.livemode)
            account.number = len(self._by_family) + 1
            self._by_family[key.family] = account
            self._on_open(account)
        return account
