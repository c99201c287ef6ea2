"""What the receiver pays at a cold start, and what no adapter does at import."""

import subprocess
import sys
from pathlib import Path

LAYER = Path(__file__).parents[2] / "layers" / "paidonce" / "python"
ADAPTERS = sorted(p.stem for p in (LAYER / "paidonce" / "adapters").glob("[!_]*.py"))

FORBIDDEN = {
    *("stripe", "pydantic", "requests", "tenacity"),
    "aws_lambda_powertools.utilities.idempotency",
}

NO_SOCKETS = "import socket\nsocket.socket.connect = None\n"


def modules_after(code: str) -> set[str]:
    """Names of all modules that are loaded once the code has run in a fresh interpreter."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(LAYER)},
    )
    return set(done.stdout.split())


def test_the_receivers_adapters_load_no_heavy_library() -> None:
    receivers = ("sqs_queue", "secrets", "telemetry", "http", "clock")
    loaded = modules_after("\n".join(f"import paidonce.adapters.{name}" for name in receivers))
    assert loaded.isdisjoint(FORBIDDEN)
    heavier = {f"paidonce.adapters.{name}" for name in ADAPTERS} - {
        f"paidonce.adapters.{name}" for name in (*receivers, "aws")
    }
    assert loaded.isdisjoint(heavier)


def test_http_answers_need_nothing_but_the_domain() -> None:
    loaded = modules_after("import paidonce.adapters.http, paidonce.adapters.clock")
    assert loaded.isdisjoint({*FORBIDDEN, "botocore", "boto3", "aws_lambda_powertools"})


def test_no_adapter_connects_at_import() -> None:
    modules = [f"paidonce.adapters.{name}" for name in ADAPTERS]
    assert set(modules) <= modules_after(f"{NO_SOCKETS}import {', '.join(modules)}")
