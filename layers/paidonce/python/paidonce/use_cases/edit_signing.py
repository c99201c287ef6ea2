"""Edit the signing document beside rotations, without ever putting AWSCURRENT."""

from collections.abc import Callable
from dataclasses import dataclass

from paidonce.domain.errors import ChangedMeanwhile, RotationRefused, TryAgain
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.rotation import CURRENT, EDITED
from paidonce.domain.signing_document import SigningDocument
from paidonce.use_cases.labels import is_running, take_off
from paidonce.use_cases.ports import Clock
from paidonce.use_cases.rotation_ports import SecretVersions

# Edits are rare, so each conflict means one other writer.
_ROUNDS_MAX = 5


class RotationRunning(TryAgain):
    """A rotation holds the secret: it ends in minutes, or an alarm tells why it does not."""


@dataclass(frozen=True, kw_only=True)
class EditSigning:
    """A new version under our own label, then AWSCURRENT moved to it from the version read."""

    secret: SecretVersions
    clock: Clock

    def __call__(self, change: Callable[[SigningDocument], SigningDocument]) -> SigningDocument:
        """The document as it is afterwards; `change` is asked again after a conflict.

        Raises RotationRunning, RotationRefused (the document cannot be read), TryAgain.
        """
        for _ in range(_ROUNDS_MAX):
            version_id, before = self.reading()
            after = change(before)
            if after == before:
                return before
            after = after.made_from(version_id)
            edited = after.written()
            # From what it is made of: after a crash the same edit is the same version.
            edited_id = fingerprint("edit_signing", version_id, edited)
            self.secret.put(edited, version_id=edited_id, label=EDITED)
            try:
                self.secret.move(CURRENT, to=edited_id, taken_from=version_id)
            except ChangedMeanwhile:
                continue
            take_off(self.secret, EDITED, edited_id)
            return after
        raise TryAgain(f"{self.secret.name} was changed under every edit")

    def reading(self) -> tuple[str, SigningDocument]:
        """The current version's id and document, while no rotation runs; raises as the edit.

        A label that a crashed edit left behind comes off: its version is current or forgotten.
        """
        labels = self.secret.labels()
        if is_running(labels):
            raise RotationRunning(f"a rotation of {self.secret.name} is running")
        if EDITED in labels:
            take_off(self.secret, EDITED, labels[EDITED])
        version_id = labels[CURRENT]
        return version_id, read_signing(self.secret, version_id)


def read_signing(secret: SecretVersions, version_id: str) -> SigningDocument:
    """A version's document; raises RotationRefused when it is none, TryAgain."""
    stored = secret.read(version_id)
    try:
        return SigningDocument.read(stored or {})
    except ValueError as error:
        raise RotationRefused(f"{secret.name} cannot be read: {error}") from error
