"""The signing secrets in memory."""

from collections.abc import Sequence

from paidonce.domain.errors import NotConfigured
from paidonce.use_cases.stripe_ports import SigningSecret

from tests.fakes import Faults


class FakeSigningSecrets:
    """`SigningSecrets` over two lists; `due` says whether a refresh may be made now."""

    def __init__(
        self,
        current: Sequence[SigningSecret] = (),
        *,
        pending: Sequence[SigningSecret] = (),
        cached: Sequence[SigningSecret] | None = None,
    ) -> None:
        self.stored = list(current)
        self.pending = list(pending)
        self.cached = list(current if cached is None else cached)
        self.due = True
        self.faults = Faults()

    def current(self, name: str) -> Sequence[str]:
        """See `SigningSecrets.current`."""
        with self.faults.around("current"):
            return self._of_name(name)

    def refreshed(self, name: str) -> Sequence[str] | None:
        """See `SigningSecrets.refreshed`."""
        with self.faults.around("refreshed"):
            if self.due:
                self.due = False
                self.cached = [*self.stored, *self.pending]
            elif self.cached:
                return None
            if not self.cached:
                raise NotConfigured("no signing secret")
            return self._of_name(name)

    def _of_name(self, name: str) -> Sequence[str]:
        return list(dict.fromkeys(e.secret for e in self.cached if e.name == name))
