"""Restricted keys on trial, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from paidonce.domain.permissions import Permission, Row
from paidonce.use_cases.judge_key import Probed, Standing
from paidonce.use_cases.ports import TimeLeft

from tests.fakes import Faults

MADE = 16 * "k"
ONE, TWO, THREE = (f"rk_test_{name}{MADE}"[:27] for name in ("one", "two", "three"))
ACCOUNT, OTHER_ACCOUNT = "acct_ours", "acct_other"


@dataclass(frozen=True)
class FakeKey:
    """What a key may do, in which account."""

    permissions: Sequence[Permission]
    account: str = ACCOUNT


@dataclass
class FakeKeyProber:
    """`KeyProber` over keys and the newest object of each account."""

    keys: dict[str, FakeKey] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)

    def ask(self, key: str, permission: Permission, *, time_left: TimeLeft) -> Probed:  # noqa: ARG002 - the port's shape
        """See `KeyProber.ask`."""
        with self.faults.around("ask"):
            found = self.keys.get(key)
            if found is None:
                return Probed(standing=Standing.NOT_A_KEY)
            if any(ticked.covers(permission) for ticked in found.permissions):
                return Probed(standing=Standing.PERMITTED)
            return Probed(standing=Standing.FORBIDDEN, account=found.account)

    def newest(self, key: str, row: Row, *, time_left: TimeLeft) -> str | None:  # noqa: ARG002 - the port's shape
        """See `KeyProber.newest`."""
        with self.faults.around("newest"):
            found = self.keys.get(key)
            return self.objects.get(found.account) if found else None

    def sees(self, key: str, row: Row, object_id: str, *, time_left: TimeLeft) -> bool:  # noqa: ARG002 - the port's shape
        """See `KeyProber.sees`."""
        with self.faults.around("sees"):
            return self.objects.get(self.keys[key].account) == object_id
