"""How an object looks in an answer: our own fields gone, what was asked for expanded."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from local.stripe.errors import invalid
from local.stripe.shapes import Json, public
from local.stripe.spec.document import document

if TYPE_CHECKING:
    from local.stripe.accounts import Account

# Fields that are absent unless they are expanded: (object, field) -> what makes them.
Includable = Callable[["Account", Json], Json | None]
INCLUDABLE: dict[tuple[str, str], Includable] = {}
# Expansions reach four levels deep: docs.stripe.com/api/expanding_objects.
_DEPTH_MAX = 4


def includable(kind: str, field: str) -> Callable[[Includable], Includable]:
    """Registers what fills a field that only `expand` shows."""

    def register(maker: Includable) -> Includable:
        INCLUDABLE[kind, field] = maker
        return maker

    return register


# Raises unless whoever asks may see an object of this kind.
MaySee = Callable[[str], None]


def rendered(
    account: "Account",
    about: Json,
    expand: list[str] | None = None,
    may_see: MaySee = lambda _kind: None,
) -> Json:
    """The object as it goes over the wire."""
    shown: Json = public(about)
    for path in expand or ():
        parts = path.split(".")
        if len(parts) > _DEPTH_MAX:
            raise invalid(
                f"You cannot expand more than {_DEPTH_MAX} levels of a property. Property: {path}",
                param="expand",
            )
        _expand(account, shown, parts, path, may_see)
    return shown


def _expand(account: "Account", node: Json, parts: list[str], path: str, may_see: MaySee) -> None:
    field, rest = parts[0], parts[1:]
    value = _value(account, node, field, path)
    if isinstance(value, str):
        behind = account.store.anywhere(value)
        if behind is None or field == "id":
            raise _not_expandable(path)
        may_see(behind["object"])
        value = node[field] = public(behind)
    for below in value if isinstance(value, list) else [value]:
        if isinstance(below, dict) and rest:
            _expand(account, below, rest, path, may_see)
    if isinstance(value, list) and not rest:
        node[field] = [_entry(account, one) for one in value]


def _value(account: "Account", node: Json, field: str, path: str) -> object:
    maker = INCLUDABLE.get((str(node.get("object")), field))
    if maker is not None:
        whole = account.store.find(str(node["object"]), node.get("id"))
        made = maker(account, whole if whole is not None else node)
        node[field] = None if made is None else public(made)
    if field not in node:
        # A field that this object may have but does not have now expands to nothing.
        if _may_have(node, field):
            return None
        raise _not_expandable(path)
    value = node[field]
    if isinstance(value, (int, bool)):
        raise _not_expandable(path)
    return value


def _entry(account: "Account", one: object) -> object:
    behind = account.store.anywhere(one) if isinstance(one, str) else None
    return one if behind is None else public(behind)


def _may_have(node: Json, field: str) -> bool:
    """Whether the document knows this field of this object."""
    kind = str(node.get("object"))
    known = document()["schemas"].get(kind)
    return known is None or field in known["properties"]


def _not_expandable(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")
