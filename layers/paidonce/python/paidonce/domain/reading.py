"""A wish to look at an object at Stripe, as one message of the events queue.

Whoever doubts a row of ours (the reconciler, an operator) asks for a reading: what Stripe shows
then goes through the same rules as its events.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
KIND = "read"
_ID = re.compile(r"[a-z]{2,12}_[A-Za-z0-9_]{1,240}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Look at this object; `as_of` (seconds since 1970) is when somebody asked for it."""

    object_id: str
    as_of: int

    @property
    def name(self) -> str:
        """The ledger's name of it: the same for every copy of the message."""
        return f"read#{self.object_id}#{self.as_of}"

    def message(self) -> str:
        """`{"kind": "read", "schema": 1, "object": "pi_…", "as_of": 1790000000}`."""
        document = {
            "kind": KIND,
            "schema": SCHEMA,
            "object": self.object_id,
            "as_of": self.as_of,
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def of_message(cls, document: Mapping[str, Any], *, sent_at: int) -> "Reading | None":
        """The reading of a decoded message; `sent_at` counts where it does not say when.

        None for one that nobody of ours has sent.
        """
        object_id, as_of = document.get("object"), document.get("as_of", sent_at)
        if not isinstance(object_id, str) or not _ID.fullmatch(object_id) or type(as_of) is not int:
            return None
        return cls(object_id=object_id, as_of=as_of)

    @classmethod
    def of_name(cls, name: str) -> "Reading | None":
        """The reading of a ledger row's id; None where the row is of something else."""
        kind, _, rest = name.partition("#")
        object_id, _, as_of = rest.partition("#")
        if kind != KIND or not _ID.fullmatch(object_id) or not as_of.isdecimal():
            return None
        return cls(object_id=object_id, as_of=int(as_of))
