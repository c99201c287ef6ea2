"""What the label of a version says about a rotation: is it on its way, done, or called off?"""

from collections.abc import Mapping

from paidonce.domain.errors import ChangedMeanwhile, RotationRefused
from paidonce.domain.rotation import CURRENT, PENDING
from paidonce.use_cases.rotation_ports import SecretVersions


def is_running(labels: Mapping[str, str]) -> bool:
    """True while a rotation holds AWSPENDING: nobody else may change the secret."""
    return labels.get(PENDING) not in {None, labels.get(CURRENT)}


def still_pending(secret: SecretVersions, token: str) -> Mapping[str, str] | None:
    """The labels of a secret while `token` is to be rotated in; None when that is done already.

    Raises RotationRefused when the rotation was called off, TryAgain.
    """
    labels = secret.labels()
    if labels.get(CURRENT) == token:
        take_off(secret, PENDING, token)
        return None
    if labels.get(PENDING) != token:
        raise RotationRefused(f"the rotation of {secret.name} was called off: start a new one")
    return labels


def take_off(secret: SecretVersions, label: str, version_id: str) -> None:
    """Take a label off a version; that it is not there (any more) is as good. Raises TryAgain."""
    try:
        secret.move(label, to=None, taken_from=version_id)
    except ChangedMeanwhile:
        return


def call_off(secret: SecretVersions, token: str, sentence: str) -> RotationRefused:
    """End a rotation: AWSPENDING comes off, so that the next one can start.

    Answers the error to raise; raises TryAgain.
    """
    take_off(secret, PENDING, token)
    return RotationRefused(sentence)
