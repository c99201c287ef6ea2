"""How webhooks go out from now on: `POST /_test/deliveries`."""

from dataclasses import dataclass, fields, replace
from typing import Any

from local.stripe.shapes import Json

_HOUR = 3600
# More copies than this test the test.
_COPIES_MAX = 1000
# Stripe documents "up to three days with an exponential back off" live, "three times over a few
# hours" in a sandbox; the steps between are ours.
LIVE_RETRY_SECONDS = (300, 1800, 2 * _HOUR, 5 * _HOUR, *(10 * _HOUR,) * 5)
TEST_RETRY_SECONDS = (60, _HOUR, 3 * _HOUR)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Copies, order, losses and delays of deliveries; the defaults are an honest network."""

    copies: int = 1
    shuffle_seconds: float = 0.0
    drop: float = 0.0
    delay_seconds: float = 0.0
    hold: bool = False
    retry_seconds: tuple[float, ...] = TEST_RETRY_SECONDS

    def changed(self, wanted: Json) -> "DeliverySettings":
        """These settings with what a control asks for; what it leaves out is the default again.

        Only `retry_seconds` stays as it is when it is left out. ValueError with a sentence for
        anything that cannot be.
        """
        fresh = DeliverySettings(retry_seconds=self.retry_seconds)
        unknown = wanted.keys() - {each.name for each in fields(fresh)}
        if unknown:
            raise ValueError(f"Unknown: {', '.join(sorted(unknown))}.")
        checked: dict[str, Any] = {name: _CHECKS[name](value) for name, value in wanted.items()}
        return replace(fresh, **checked)


def _copies(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _COPIES_MAX:
        raise ValueError(f"`copies` must be a whole number from 1 to {_COPIES_MAX}.")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError("Seconds must be a number, 0 or more.")
    return float(value)


def _share(value: object) -> float:
    share = _seconds(value)
    if share > 1:
        raise ValueError("`drop` must be a share from 0 to 1.")
    return share


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("`hold` must be true or false.")  # noqa: TRY004 - one error for controls
    return value


def _schedule(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise ValueError("`retry_seconds` must be a list of seconds.")  # noqa: TRY004 - same
    return tuple(_seconds(entry) for entry in value)


_CHECKS = {
    "copies": _copies,
    "shuffle_seconds": _seconds,
    "drop": _share,
    "delay_seconds": _seconds,
    "hold": _truth,
    "retry_seconds": _schedule,
}
