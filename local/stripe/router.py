"""Which function answers which path; resources register theirs with `@route`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local.stripe.call import Call
from local.stripe.shapes import Json

Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path as Stripe's document writes it, and its function."""

    method: str
    path: str
    handler: Handler


@dataclass(slots=True)
class _Node:
    below: dict[str, "_Node"] = field(default_factory=dict)
    named: tuple[str, "_Node"] | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Routes by the parts of their paths; a fixed part wins over a named one."""

    def __init__(self) -> None:
        self._root = _Node()
        self.routes: list[Route] = []

    def add(self, route: Route) -> None:
        """Takes a route in."""
        node = self._root
        for part in route.path.split("/")[1:]:
            if part.startswith("{"):
                node.named = node.named or (part[1:-1], _Node())
                node = node.named[1]
            else:
                node = node.below.setdefault(part, _Node())
        node.routes[route.method] = route
        self.routes.append(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route with the values of its named parts; None if there is none."""
        found = self._walk(self._root, path.rstrip("/").split("/")[1:], {})
        if found is None or method not in found[0].routes:
            return None
        node, values = found
        route = node.routes[method]
        names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
        return route, dict(zip(names, values.values(), strict=True))

    def _walk(
        self, node: _Node, parts: list[str], values: dict[str, str]
    ) -> tuple[_Node, dict[str, str]] | None:
        if not parts:
            return (node, values) if node.routes else None
        head, *rest = parts
        if head in node.below:
            found = self._walk(node.below[head], rest, values)
            if found is not None:
                return found
        if node.named is not None and head:
            return self._walk(node.named[1], rest, {**values, str(len(values)): head})
        return None


ROUTER = Router()


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Registers a function for a method and a path."""

    def register(handler: Handler) -> Handler:
        ROUTER.add(Route(method, path, handler))
        return handler

    return register
