"""Is a restricted key the right one: its form and mode, what it may and may not do, whose it is?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from paidonce.domain import permissions
from paidonce.domain.errors import RotationRefused
from paidonce.domain.permissions import Permission, Row
from paidonce.domain.restricted_key import wrong_form
from paidonce.use_cases.ports import TimeLeft


class Standing(StrEnum):
    """How Stripe answers a key that asks for something."""

    PERMITTED = "permitted"
    FORBIDDEN = "forbidden"
    NOT_A_KEY = "not a key"


@dataclass(frozen=True, kw_only=True)
class Probed:
    """One answer; `account` where Stripe names it, as its refusals do."""

    standing: Standing
    account: str | None = None


class KeyProber(Protocol):
    """Stripe, asked with a key that is on trial; nothing is ever changed by it.

    Everything raises TryAgain when there is no answer that tells.
    """

    def ask(self, key: str, permission: Permission, *, time_left: TimeLeft) -> Probed:
        """A list of one for Read; for Write a change of an object that does not exist."""
        ...

    def newest(self, key: str, row: Row, *, time_left: TimeLeft) -> str | None:
        """The id of the newest object that the key sees; None when there is none, or it may not."""
        ...

    def sees(self, key: str, row: Row, object_id: str, *, time_left: TimeLeft) -> bool:
        """Whether there is such an object in the key's account."""
        ...


class Account(StrEnum):
    """Whether a key belongs to the account of the stage."""

    PROVEN = "proven"
    NOT_PROVABLE = "not provable"


@dataclass(frozen=True, kw_only=True)
class JudgeKey:
    """`account` is the stage's (`acct_…`), where stages.toml names it."""

    prober: KeyProber
    livemode: bool
    account: str | None

    def __call__(self, name: str, key: str, *, beside: str | None, time_left: TimeLeft) -> Account:
        """Judge the key that shall be `keys/<name>`; `beside` is the one in use, if there is one.

        Raises RotationRefused with a sentence, which holds nothing of the key; TryAgain.
        """
        wrong = wrong_form(key, livemode=self.livemode)
        if wrong:
            raise RotationRefused(f"keys/{name}: {wrong}")
        needed, forbidden = permissions.of_key(name), permissions.forbidden_to(name)
        answers = {one: self._asked(name, key, one, time_left) for one in (*needed, *forbidden)}
        wrong = _wrong_powers(needed, forbidden, answers)
        if wrong:
            raise RotationRefused(f"keys/{name}: {wrong}")
        named = {answer.account for answer in answers.values()} - {None}
        if self.account and named - {self.account}:
            other = ", ".join(sorted(str(account) for account in named))
            raise RotationRefused(
                f"keys/{name}: the key belongs to {other}, and the stage to {self.account}"
            )
        knows = self._knows_what_the_other_knows(name, key, beside, time_left)
        is_proven = knows or bool(self.account and named)
        return Account.PROVEN if is_proven else Account.NOT_PROVABLE

    def _asked(self, name: str, key: str, permission: Permission, time_left: TimeLeft) -> Probed:
        answer = self.prober.ask(key, permission, time_left=time_left)
        if answer.standing is Standing.NOT_A_KEY:
            raise RotationRefused(
                f"keys/{name}: Stripe does not know the key: it has expired, was deleted, or was"
                " not copied whole"
            )
        return answer

    def _knows_what_the_other_knows(
        self, name: str, key: str, beside: str | None, time_left: TimeLeft
    ) -> bool:
        """Whether it sees what the key in use sees; False when that one shows nothing.

        Raises RotationRefused when it does not.
        """
        row = permissions.WITNESS_OF[name]
        if not beside or beside == key:
            return False
        witness = self.prober.newest(beside, row, time_left=time_left)
        if witness is None:
            return False
        if not self.prober.sees(key, row, witness, time_left=time_left):
            raise RotationRefused(
                f"keys/{name}: the key belongs to another account than the one in use: it does"
                f" not know {witness}"
            )
        return True


def _wrong_powers(
    needed: Sequence[Permission],
    forbidden: Sequence[Permission],
    answers: Mapping[Permission, Probed],
) -> str | None:
    missing = [one for one in needed if answers[one].standing is Standing.FORBIDDEN]
    excessive = [one for one in forbidden if answers[one].standing is Standing.PERMITTED]
    parts = []
    if missing:
        parts.append(f"the key lacks {permissions.sentence(missing)}")
    if excessive:
        parts.append(f"the key may do what it must not, {permissions.sentence(excessive)}")
    return "; ".join(parts) or None
