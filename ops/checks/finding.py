"""What a check found, and what to do about it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from paidonce.domain.errors import PaidOnceError

from ops.errors import what_to_do


class Grade(StrEnum):
    """How good it is; only `fail` makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`do` is empty where nothing has to be done."""

    check: str
    grade: Grade
    says: str
    do: str = ""

    @property
    def shown(self) -> Mapping[str, Any]:
        """As JSON."""
        return asdict(self)


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check=check, grade=Grade.OK, says=says)


def warn(check: str, says: str, do: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(check=check, grade=Grade.WARN, says=says, do=do)


def fail(check: str, says: str, do: str) -> Finding:
    """It does not work."""
    return Finding(check=check, grade=Grade.FAIL, says=says, do=do)


@contextmanager
def asked(check: str, into: list[Finding]) -> Iterator[None]:
    """Turn what cannot be asked into a finding: one check that fails must not end the others."""
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        into.append(
            fail(
                check,
                f"AWS refuses: {said.get('Code')}: {said.get('Message')}",
                "use credentials of the stage's operator role (docs/operate.md)",
            )
        )
    except BotoCoreError as error:
        into.append(fail(check, f"AWS cannot be asked: {error}", what_to_do(error)))
    except PaidOnceError as error:
        into.append(fail(check, f"{error}", "mend what the other findings name, and ask again"))
