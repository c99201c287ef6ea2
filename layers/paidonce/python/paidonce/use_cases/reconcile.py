"""Reconcile: everything that looks for what was lost, one after the other, on a schedule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from paidonce.domain.errors import ChangedMeanwhile
from paidonce.use_cases.ports import Telemetry, TimeLeft

# A part that has less than this would only be cut off.
_SECONDS_FOR_A_PART = 5.0

Part = Callable[[TimeLeft], object]


class ReconcileFailedError(Exception):
    """Some parts failed; the others were done. The text names the parts and classes of ours."""


@dataclass(frozen=True, kw_only=True)
class Reconcile:
    """`parts` by name, the most urgent first: each has what the ones before it have left.

    A part is resumable, bounded, and safe beside live traffic and beside itself.
    """

    parts: Mapping[str, Part]
    telemetry: Telemetry

    def __call__(self, *, time_left: TimeLeft) -> list[str]:
        """The names of the parts that were done.

        Raises ReconcileFailedError when a part failed, after all others had their turn.
        """
        done, failed = [], []
        for name, part in self.parts.items():
            if time_left() < _SECONDS_FOR_A_PART:
                self.telemetry.count("ReconcilePartsPutOff")
                continue
            try:
                part(time_left)
            except ChangedMeanwhile as error:
                # Another run is at it, and will do it.
                self.telemetry.fault("part left to another run", error, part=name)
            except Exception as error:  # noqa: BLE001 - one part must not keep the others
                self.telemetry.fault("part of reconcile failed", error, part=name)
                failed.append(f"{name}: {type(error).__name__}")
            else:
                done.append(name)
        if failed:
            raise ReconcileFailedError(", ".join(failed))
        return done
