"""The statistic of a metric over a span of time, and arithmetic on several of them.

Covers + - * / comparisons, IF and FILL; an alarm with another function keeps INSUFFICIENT_DATA.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import ast
import operator
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch

from local.aws.patching import JsonObject

BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def statistic(
    metric: tuple[str, str], dimensions: dict[str, str], name: str, start: float, end: float
) -> float | None:
    """One statistic of one metric with exactly these dimensions; None without data."""
    points: list[JsonObject] = []
    # Points are kept in order of arrival: the last ones decide, however many there are.
    for point in reversed(
        cloudwatch._metrics.get((*metric, cloudwatch._dims_key(dimensions))) or []
    ):
        if point["Timestamp"] <= start:
            break
        if point["Timestamp"] <= end:
            points.append(point)
    if not points:
        return None
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return value


def period_seconds(queries: list[JsonObject]) -> int:
    """The longest period that the queries name."""
    named = [query.get("Period") or query.get("MetricStat", {}).get("Period") for query in queries]
    return max((int(period) for period in named if period), default=60)


def value(queries: list[JsonObject], start: float, end: float) -> float | None:
    """The one query that the alarm looks at (ReturnData); None without data."""
    by_id = {query["Id"]: query for query in queries}
    wanted = next((query for query in queries if query.get("ReturnData", True)), None)
    return _Evaluation(by_id, start, end).query(wanted) if wanted else None


class _Evaluation:
    """One look at the queries over one span of time."""

    def __init__(self, queries: dict[str, JsonObject], start: float, end: float) -> None:
        self._queries = queries
        self._start = start
        self._end = end

    def query(self, query: JsonObject) -> float | None:
        if "Expression" in query:
            return self._expression(ast.parse(query["Expression"].strip(), mode="eval").body)
        stat = query["MetricStat"]
        metric = stat["Metric"]
        return statistic(
            (metric["Namespace"], metric["MetricName"]),
            cloudwatch._dims_from_list(metric.get("Dimensions") or []),
            stat["Stat"],
            self._start,
            self._end,
        )

    def _expression(self, node: ast.expr) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.query(self._queries[name])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._both(operator.sub, ast.Constant(0), operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return self._both(BINARY[type(op)], left, right)
            case ast.Compare(left=left, ops=[compare], comparators=[right]):
                return self._both(COMPARE[type(compare)], left, right)
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._call(function, arguments)
        raise ValueError(f"This metric math is not known here: {ast.unparse(node)}")

    def _call(self, function: str, arguments: list[ast.expr]) -> float | None:
        match function, arguments:
            case "FILL", [series, instead]:
                found = self._expression(series)
                return self._expression(instead) if found is None else found
            case "IF", [test, then, otherwise]:
                return self._expression(then if self._expression(test) else otherwise)
        raise ValueError(f"This metric math is not known here: {function}")

    def _both(
        self, apply: Callable[[float, float], Any], left: ast.expr, right: ast.expr
    ) -> float | None:
        first, second = self._expression(left), self._expression(right)
        if first is None or second is None:
            return None
        try:
            return float(apply(first, second))
        except ZeroDivisionError:
            # CloudWatch has no data point there either.
            return None
