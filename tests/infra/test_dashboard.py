"""What an operator looks at: one dashboard, and saved questions to the logs."""

import json
import re
from typing import Any

from docs.pictures import dashboard
from infra.stacks.log_queries import QUERIES
from tests.house.test_deployment import texts_of
from tests.house.tree import python_files
from tests.infra.templates import Assembly

COLUMNS = ["In", "Queued", "Applied", "Money", "Trouble", "Cost"]


def widgets(prod: Assembly) -> list[dict[str, Any]]:
    (dashboard,) = prod.resources("AWS::CloudWatch::Dashboard").values()
    assert dashboard["DashboardName"] == prod.outputs()["DashboardName"]
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def test_the_dashboard_tells_the_story_from_left_to_right(prod: Assembly) -> None:
    headings = sorted(
        (one["x"], one["properties"]["markdown"].splitlines()[0].removeprefix("## "))
        for one in widgets(prod)
        if one["type"] == "text"
    )
    assert [title for _, title in headings] == COLUMNS
    assert max(one["x"] + one["width"] for one in widgets(prod)) == 24


def test_the_documents_picture_shows_the_dashboard_as_it_is_now(local: Assembly) -> None:
    """Places, titles and names of lines; the numbers are those of a run of the local cloud."""
    recorded = json.loads(dashboard.RECORDED.read_text(encoding="utf-8"))
    drawn = [{name: one[name] for name in ("at", "title", "lines")} for one in recorded]
    assert drawn == dashboard.laid_out(widgets(local)), "run `python docs/pictures/dashboard.py`"


def test_it_begins_its_trouble_with_who_has_to_look(prod: Assembly) -> None:
    (status,) = [one for one in widgets(prod) if one["type"] == "alarm"]
    assert [re.sub(r"\.Arn$", "", arn) for arn in status["properties"]["alarms"]] == [
        "paidonce-prod-page-somebody",
        "paidonce-prod-look-tomorrow",
    ]


def test_every_metric_of_ours_on_it_is_counted_somewhere(prod: Assembly) -> None:
    ours = {
        metric[1]
        for one in widgets(prod)
        for metric in one["properties"].get("metrics", [])
        if metric[0] == "PaidOnce"
    }
    assert len(ours) > 15
    assert ours - texts_of(python_files("layers", "functions")) == set()


def test_the_saved_questions_look_at_every_function(prod: Assembly) -> None:
    queries = prod.resources("AWS::Logs::QueryDefinition")
    groups = {n for n in prod.resources("AWS::Logs::LogGroup") if n.startswith("/aws/lambda/")}
    assert len(queries) == len(QUERIES) == 4
    for name, query in queries.items():
        assert name.startswith("paidonce-prod-logs/")
        assert set(query["LogGroupNames"]) == groups


def test_the_saved_questions_ask_for_what_lines_carry() -> None:
    """A field that nobody writes would find nothing, and nobody would know why."""
    fields = {
        name
        for query in QUERIES.values()
        for line in query.splitlines()
        for name in re.findall(r"\b[a-z]+_[a-z_]+\b", re.sub(r"'[^']*'", "", line))
    }
    written = "\n".join(path.read_text() for path in python_files("layers", "functions"))
    assert {
        name for name in fields if f"{name}=" not in written and f'"{name}"' not in written
    } == (set())
    assert {"correlation_id", "duration_ms", "error_class"} <= fields
