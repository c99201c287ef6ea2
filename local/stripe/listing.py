"""Lists as Stripe pages them: newest first, cursors both ways, a range of `created`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from local.stripe.call import Call
from local.stripe.errors import invalid, missing
from local.stripe.shapes import Json

_LIMIT_DEFAULT = 10
_LIMIT_MAX = 100

Belongs = Callable[[Json], bool]


def listed(call: Call, kind: str, belongs: Belongs | None = None) -> Json:
    """One page of the account's objects of a kind."""
    rows = (row for row in call.store.newest(kind) if not row.get("deleted"))
    return paged(call, filter(belongs, rows) if belongs else rows, kind)


def paged(call: Call, rows: Iterable[Json], kind: str) -> Json:
    """One page of rows that come newest first."""
    limit = _limit(call)
    after, before = call.get("starting_after"), call.get("ending_before")
    if after and before:
        raise invalid(
            "Received both starting_after and ending_before parameters. Please pass in only one.",
            param="starting_after",
        )
    in_range = _by_created(rows, call.get("created"))
    if before:
        newer = list(_until(call, in_range, before, kind))
        return envelope(call.url, newer[-limit:], has_more=len(newer) > limit)
    if after:
        in_range = _behind(call, in_range, after, kind)
    page = list(islice(in_range, limit + 1))
    return envelope(call.url, page[:limit], has_more=len(page) > limit)


def envelope(url: str, rows: list[Json], *, has_more: bool = False, **more: object) -> Json:
    """A list object."""
    return {"object": "list", "data": rows, "has_more": has_more, **more, "url": url}


def same(call: Call, *names: str) -> Belongs:
    """Whether an object's fields equal the parameters of the same names that were given."""
    wanted = {name: call.params[name] for name in names if name in call.params}
    return lambda row: all(row.get(name) == value for name, value in wanted.items())


def _limit(call: Call) -> int:
    limit: int = call.get("limit", _LIMIT_DEFAULT)
    if limit < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            param="limit",
            code="parameter_invalid_integer",
        )
    if limit > _LIMIT_MAX:
        raise invalid(
            f"This value must be less than or equal to {_LIMIT_MAX}.",
            param="limit",
            code="parameter_invalid_integer",
        )
    return limit


def _by_created(rows: Iterable[Json], wanted: Json | int | None) -> Iterator[Json]:
    if wanted is None:
        yield from rows
        return
    bounds = wanted if isinstance(wanted, dict) else {"gte": wanted, "lte": wanted}
    lowest = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
    highest = min(bounds.get("lte", 2**62), bounds.get("lt", 2**62) - 1)
    # Invoice items have a `date` where others have `created`.
    yield from (row for row in rows if lowest <= (row.get("created") or row["date"]) <= highest)


def _behind(call: Call, rows: Iterator[Json], cursor: str, kind: str) -> Iterator[Json]:
    _must_exist(call, cursor, kind, "starting_after")
    for row in rows:
        if row["id"] == cursor:
            break
    yield from rows


def _until(call: Call, rows: Iterator[Json], cursor: str, kind: str) -> Iterator[Json]:
    _must_exist(call, cursor, kind, "ending_before")
    for row in rows:
        if row["id"] == cursor:
            return
        yield row


def _must_exist(call: Call, cursor: str, kind: str, param: str) -> None:
    if call.store.find(kind, cursor) is None:
        raise missing(kind, cursor, param, status=400)
