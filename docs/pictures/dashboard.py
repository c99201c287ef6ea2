"""The dashboard of a stage as SVG: its widgets where CloudWatch puts them, with recorded numbers.

`python docs/pictures/dashboard.py` records the running local cloud's last minutes anew.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import boto3

HERE = Path(__file__).parent
RECORDED = HERE / "dashboard.json"
MINUTES = 12
# Pixels of a unit of CloudWatch's grid, and between two widgets.
_WIDE, _HIGH, _GAP = 68, 42, 6
_LINE = 15
# About how wide a letter of a legend is.
_LETTER = 6.4
# Functions are told apart by what comes after it.
_PREFIX = "paidonce-local-"
_GREY = 'fill="#687078" font-size="10"'
# As CloudWatch colours a widget's lines, one after the other.
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2")
_STATES = {"OK": "#1d8102", "ALARM": "#d13212", "INSUFFICIENT_DATA": "#687078"}


def laid_out(widgets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of a dashboard's body what a picture shows: where, what, and the names of the lines."""
    return [
        {
            "at": [one[name] for name in ("x", "y", "width", "height")],
            "title": one["properties"].get("title") or one["properties"]["markdown"],
            "lines": [metric[-1]["label"] for metric in one["properties"].get("metrics", ())],
        }
        for one in widgets
    ]


def record() -> None:
    """Write what the local cloud's dashboard showed in the last minutes."""
    there = json.loads((HERE.parents[1] / ".local/endpoints.json").read_text(encoding="utf-8"))
    options = {
        "endpoint_url": there["aws_endpoint_url"],
        "region_name": there["region"],
        "aws_access_key_id": there["aws_access_key_id"],
        "aws_secret_access_key": there["aws_secret_access_key"],
    }
    cloudwatch = boto3.client("cloudwatch", **options)
    name = there["outputs"]["DashboardName"]
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])["widgets"]
    shown = laid_out(widgets)
    for one, widget in zip(shown, widgets, strict=True):
        one["points"] = [
            _points(cloudwatch, metric) for metric in widget["properties"].get("metrics", ())
        ]
        names = [arn.rpartition(":")[2] for arn in widget["properties"].get("alarms", ())]
        one["alarms"] = _states(cloudwatch, names) if names else {}
    said = ",\n".join(json.dumps(one, ensure_ascii=False) for one in shown)
    RECORDED.write_text(f"[\n{said}\n]\n", encoding="utf-8")


def _points(cloudwatch: Any, metric: Sequence[Any]) -> list[float | None]:
    """A number for each minute; None where nothing was told."""
    namespace, name, *dimensions, how = metric
    began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    asked = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
    }
    (found,) = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": asked, "Period": 60, "Stat": how["stat"]}}
        ],
        StartTime=began,
        EndTime=began + timedelta(minutes=MINUTES),
    )["MetricDataResults"]
    told = dict(zip(found["Timestamps"], found["Values"], strict=True))
    values = (told.get(began + timedelta(minutes=minute)) for minute in range(MINUTES))
    return [None if value is None else round(value, 1) for value in values]


def _states(cloudwatch: Any, names: Sequence[str]) -> dict[str, str]:
    found = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["CompositeAlarm"])
    states = {one["AlarmName"]: one["StateValue"] for one in found["CompositeAlarms"]}
    return {name: states[name] for name in names}


def picture() -> str:
    """SVG of the recorded dashboard."""
    widgets = json.loads(RECORDED.read_text(encoding="utf-8"))
    width = max(one["at"][0] + one["at"][2] for one in widgets) * _WIDE
    height = max(one["at"][1] + one["at"][3] for one in widgets) * _HIGH
    drawn = "\n".join(part for one in widgets for part in _widget(one))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#16191f">\n'
        f'<rect width="100%" height="100%" fill="#eaeded"/>\n{drawn}\n</svg>\n'
    )


def _widget(one: Mapping[str, Any]) -> Iterator[str]:
    x, y, width, height = one["at"]
    left, top = x * _WIDE + _GAP / 2, y * _HIGH + _GAP / 2
    wide, high = width * _WIDE - _GAP, height * _HIGH - _GAP
    yield f'<g transform="translate({left:g},{top:g})">'
    yield f'<rect width="{wide}" height="{high}" rx="3" fill="#fff" stroke="#d5dbdb"/>'
    title, *text = one["title"].removeprefix("## ").splitlines()
    yield _text(10, 20, title, 'font-size="15" font-weight="bold"' if text else "")
    yield from (_text(10, 42, line) for line in text)
    for row, (name, state) in enumerate(one["alarms"].items()):
        yield f'<rect x="10" y="{36 + row * 30}" width="{wide - 20}" height="24" rx="3"'
        yield f' fill="{_STATES[state]}"/>'
        yield _text(18, 52 + row * 30, f"{name}: {state}", 'fill="#fff"')
    if one["lines"]:
        yield from _graph(one, wide, high)
    yield "</g>"


def _graph(one: Mapping[str, Any], wide: float, high: float) -> Iterator[str]:
    """Lines over the minutes, from zero up; below them which is which."""
    legend = list(_legend(one, wide))
    left, top, right = 44.0, 32.0, wide - 12
    bottom = high - 26 - _LINE * (legend[-1][1] + 1)
    most = max((value or 0 for points in one["points"] for value in points), default=0) or 1
    for share in (0, 0.5, 1):
        y = bottom - share * (bottom - top)
        yield f'<path d="M{left:g} {y:g}H{right:g}" stroke="#eaeded"/>'
        yield _text(left - 4, y + 4, _short(most * share), f'text-anchor="end" {_GREY}')
    yield _text(right, bottom + 13, f"{MINUTES} minutes", f'text-anchor="end" {_GREY}')
    for points, (x, row, label, colour) in zip(one["points"], legend, strict=True):
        step = (right - left) / (len(points) - 1)
        # What was not told is a gap; a point alone is seen by the line's round end.
        path, pen = "", "M"
        for minute, value in enumerate(points):
            if value is None:
                pen = "M"
                continue
            place = f"{left + minute * step:.1f} {bottom - value / most * (bottom - top):.1f}"
            path += f"{pen}{place}" + (f"L{place}" if pen == "M" else "")
            pen = "L"
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3"'
        yield ' stroke-linecap="round" stroke-linejoin="round"/>'
        y = bottom + 30 + row * _LINE
        yield f'<rect x="{x:g}" y="{y - 9:g}" width="9" height="9" fill="{colour}"/>'
        yield _text(x + 13, y, label, 'font-size="11"' if path else f'{_GREY} font-style="italic"')


def _legend(one: Mapping[str, Any], wide: float) -> Iterator[tuple[float, int, str, str]]:
    """Where each line's name begins, in which row, and its colour: as many in a row as fit."""
    x, row = 10.0, 0
    for number, name in enumerate(one["lines"]):
        label = name.removeprefix(_PREFIX)
        length = 24 + _LETTER * len(label)
        if number and x + length > wide:
            x, row = 10.0, row + 1
        yield x, row, label, _COLOURS[number % len(_COLOURS)]
        x += length


def _short(value: float) -> str:
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - a kilo


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'


if __name__ == "__main__":
    record()
