"""Metrics (EMF) and log lines (JSON) of one function, through Powertools."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from traceback import walk_tb
from types import FrameType

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "PaidOnce"

# Keys, signing secrets, client secrets, e-mail addresses and card numbers: no caller passes one,
# and if one ever does, it goes no further than here.
_NEVER = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_\w+|whsec_\w+|\w+_secret_\w+|[^\s@]+@[^\s@]+\.\w+"
    r"|(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])"
)
REDACTED = "[redacted]"
# Ids are short (Stripe's have 255 characters at most); what is longer is none.
_LENGTH_MAX = 300
# Names of logging's own, which it refuses as extra keys.
_TAKEN = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class PowertoolsTelemetry:
    """The port `Telemetry`. Dimensions of every metric: `stage` and `service` (the function).

    `livemode` is beside them on each line, as on every log line, and no dimension: a stage has one.
    """

    def __init__(self, *, service: str, stage: str, livemode: bool) -> None:
        self._service = service
        self._logger = Logger(service=service, utc=True, use_rfc3339=True, location=None)
        self._logger.append_keys(stage=stage, livemode=livemode)
        self._stage = stage
        self._livemode = livemode
        self._counts: dict[str, int] = defaultdict(int)

    @contextmanager
    def invocation(self, *, request_id: str, correlation_id: str | None = None) -> Iterator[None]:
        """Around one invocation, by the handler: its ids on every line, its metrics at the end."""
        self._logger.append_keys(request_id=request_id)
        try:
            with self.correlated(correlation_id):
                yield
        finally:
            self._logger.remove_keys(["request_id"])
            self.flush()

    @contextmanager
    def correlated(self, correlation_id: str | None) -> Iterator[None]:
        """See `Telemetry.correlated`. Not `append_context_keys`, which forgets what was before."""
        before = self._logger.get_correlation_id()
        self._logger.set_correlation_id(correlation_id and _clean(correlation_id))
        try:
            yield
        finally:
            self._logger.set_correlation_id(before)

    def count(self, metric: str, value: int = 1) -> None:
        """See `Telemetry.count`; written by `flush`."""
        self._counts[metric] += value

    def alarm(self, metric: str) -> None:
        """See `Telemetry.alarm`."""
        self.count(metric)
        self.flush()

    def fact(self, message: str, **ids: str | float | None) -> None:
        """See `Telemetry.fact`."""
        self._logger.info(message, extra=_clean_all(ids))

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """See `Telemetry.fault`."""
        about = {"error_class": type(error).__name__, "error_place": self.place_of(error)}
        self._logger.error(message, extra=_clean_all(ids | about))

    def place_of(self, error: BaseException) -> str | None:
        """`file:line` of the innermost frame of ours in the error's traceback."""
        return place_of(error, ours=("paidonce", self._service))

    def flush(self) -> None:
        """Write what was counted since the last time as one EMF line."""
        if not self._counts:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._service)
        metrics.add_dimension(name="stage", value=self._stage)
        metrics.add_metadata(key="livemode", value=self._livemode)
        for metric, value in self._counts.items():
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        self._counts.clear()
        metrics.flush_metrics()


def place_of(error: BaseException, *, ours: tuple[str, ...]) -> str | None:
    """`file:line` of the innermost frame whose package is one of `ours`, else of the innermost."""
    frames = [(_module_of(frame), line) for frame, line in walk_tb(error.__traceback__)]
    of_ours = [place for place in frames if place[0].partition(".")[0] in ours]
    for module, line in reversed(of_ours or frames):
        return f"{PurePath(*module.split('.'))}.py:{line}"
    return None


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "unknown"))


def _clean_all(ids: Mapping[str, str | float | None]) -> dict[str, str | float]:
    return {
        f"{name}_" if name in _TAKEN else name: _clean(value) if isinstance(value, str) else value
        for name, value in ids.items()
        if value is not None
    }


def _clean(value: str) -> str:
    return _NEVER.sub(REDACTED, value[:_LENGTH_MAX])
