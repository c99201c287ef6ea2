"""One account's objects in memory, changed inside transactions that can be undone."""

from collections.abc import Iterator

from local.stripe.shapes import Json, clone


class Store:
    """Objects by kind and id. Whatever is changed goes through `add`, `edit` or `remove`."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Json]] = {}
        self._before: dict[tuple[str, str], Json | None] = {}

    def add(self, made: Json) -> Json:
        """Keeps a new object under its own `object` and `id`."""
        key = (made["object"], made["id"])
        self._before.setdefault(key, None)
        self._kinds.setdefault(key[0], {})[key[1]] = made
        return made

    def find(self, kind: str, object_id: object) -> Json | None:
        """The object, for reading only; None if there is none."""
        return self._kinds.get(kind, {}).get(object_id) if isinstance(object_id, str) else None

    def get(self, kind: str, object_id: str) -> Json:
        """An object that must be there, for reading only."""
        return self._kinds[kind][object_id]

    def edit(self, kind: str, object_id: str) -> Json:
        """The object itself, to be changed in place; its former state is remembered."""
        current = self._kinds[kind][object_id]
        key = (kind, object_id)
        if key not in self._before:
            self._before[key] = clone(current)
        return current

    def remove(self, kind: str, object_id: str) -> None:
        """Forgets an object."""
        self.edit(kind, object_id)
        del self._kinds[kind][object_id]

    def newest(self, kind: str) -> Iterator[Json]:
        """Every object of a kind, the newest first."""
        return reversed(self._kinds.get(kind, {}).values())

    def oldest(self, kind: str) -> list[Json]:
        """Every object of a kind, the oldest first; safe to change while walking."""
        return list(self._kinds.get(kind, {}).values())

    def anywhere(self, object_id: str) -> Json | None:
        """An object of whatever kind with this id, as `expand` needs it."""
        for objects in self._kinds.values():
            if object_id in objects:
                return objects[object_id]
        return None

    def before(self, kind: str, object_id: str) -> Json | None:
        """What an object was when this transaction began; None for a new or unchanged one."""
        return self._before.get((kind, object_id))

    def clear(self) -> None:
        """Forgets everything."""
        self._kinds.clear()
        self._before.clear()

    def commit(self) -> None:
        """Keeps all changes."""
        self._before.clear()

    def rollback(self) -> None:
        """Undoes all changes since the last commit."""
        for (kind, object_id), former in self._before.items():
            if former is None:
                self._kinds.get(kind, {}).pop(object_id, None)
            elif object_id in self._kinds[kind]:
                self._kinds[kind][object_id].clear()
                self._kinds[kind][object_id].update(former)
            else:
                self._kinds[kind][object_id] = former
        self._before.clear()
