"""Rotate a restricted key: an operator stages the new one, this judges it and puts it in use.

Stripe has no public API that makes keys. Without a staged one, the key in use is judged again and
its version renewed; how old it is stands in its field `created`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.errors import ChangedMeanwhile, RotationRefused
from paidonce.domain.moment import days_since
from paidonce.domain.rotation import CURRENT, PENDING, STAGED, Step
from paidonce.use_cases.judge_key import JudgeKey
from paidonce.use_cases.labels import call_off, still_pending, take_off
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.rotation_ports import SecretVersions


@dataclass(frozen=True, kw_only=True)
class RotateKey:
    """The port `Rotation` for a secret `keys/<name>`."""

    name: str
    secret: SecretVersions
    judge: JudgeKey
    clock: Clock
    telemetry: Telemetry
    age_max_days: int

    def __call__(self, step: Step, token: str, *, time_left: TimeLeft) -> None:
        """See `Rotation`."""
        labels = still_pending(self.secret, token)
        if labels is None:
            # Promoted, and then interrupted.
            self._unstage(token)
        elif step is Step.CREATE:
            self._create(labels, token)
        elif step is Step.TEST:
            self._test(labels, token, time_left)
        elif step is Step.FINISH:
            self._finish(labels, token)

    def _create(self, labels: Mapping[str, str], token: str) -> None:
        if self.secret.read(token) is not None:
            return
        source = labels.get(STAGED, labels[CURRENT])
        document = self.secret.read(source)
        if document is None:
            raise self._refused(token, f"keys/{self.name}: what was staged is no JSON object")
        self.secret.put(document, version_id=token, label=PENDING)

    def _test(self, labels: Mapping[str, str], token: str, time_left: TimeLeft) -> None:
        document = self.secret.read(token) or {}
        key = key_in(document)
        if not key:
            # The placeholder of a first deploy: there is nothing to judge yet.
            return
        in_use = key_in(self.secret.read(labels[CURRENT]))
        try:
            account = self.judge(self.name, key, beside=in_use, time_left=time_left)
        except RotationRefused as error:
            raise self._refused(token, str(error)) from None
        self.telemetry.fact("key accepted", secret=self.secret.name, account=account)
        self._tell_age(str(document.get("created") or ""))

    def _tell_age(self, created: str) -> None:
        """An old key is not refused: it works, and somebody has to make a new one."""
        age = days_since(created, now=self.clock.now())
        if age is None or age > self.age_max_days:
            self.telemetry.count("KeyTooOld")
            self.telemetry.fact("key too old", secret=self.secret.name, days=age)

    def _finish(self, labels: Mapping[str, str], token: str) -> None:
        try:
            self.secret.move(CURRENT, to=token, taken_from=labels[CURRENT])
        except ChangedMeanwhile:
            sentence = f"keys/{self.name}: somebody changed the secret meanwhile"
            raise self._refused(token, f"{sentence}: start a new rotation") from None
        self._unstage(token)
        take_off(self.secret, PENDING, token)
        self.telemetry.count("KeyRotated")

    def _refused(self, token: str, sentence: str) -> RotationRefused:
        """No label stays, so that the next rotation can start; somebody is told."""
        self.telemetry.alarm("NewKeyRefused")
        self._unstage(token)
        return call_off(self.secret, token, sentence)

    def _unstage(self, token: str) -> None:
        """Take STAGED off what this rotation copied; what was staged since then stays."""
        staged_id = self.secret.labels().get(STAGED)
        if staged_id and self.secret.read(staged_id) in (None, self.secret.read(token)):
            take_off(self.secret, STAGED, staged_id)


def key_in(document: Mapping[str, Any] | None) -> str:
    """The key of a stored document; empty for a placeholder. Pasted values end in line breaks."""
    found = (document or {}).get("key")
    return found.strip() if isinstance(found, str) else ""
