"""The app as the cdk command line starts it: a process, an environment, one line of complaint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.templates import ROOT

CANARY = "c4n4ry" + "Zx81Zx81Zx81Zx81Zx81Zx81"
# app.py with an empty layer, so that this runs without a network; everything else is its own.
SYNTH = """
import runpy, sys, pathlib
import infra.blocks.layers, infra.deployment
def empty(target):
    folder = pathlib.Path(sys.argv[1]) / "layer"
    (folder / "python").mkdir(parents=True, exist_ok=True)
    return folder
infra.deployment.build_stacks.__kwdefaults__["build_layer"] = empty
runpy.run_path("app.py", run_name="__main__")
"""


def run(
    folder: Path, *command: str, context: dict[str, str], **environment: str
) -> "subprocess.CompletedProcess[str]":
    bare = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps(
            {**json.loads((ROOT / "cdk.json").read_text())["context"], **context}
        ),
    }
    return subprocess.run(  # noqa: S603 -- our own command line
        [sys.executable, *command],
        cwd=ROOT,
        env=bare | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_synth_needs_no_credentials_and_takes_no_secret_along(tmp_path: Path) -> None:
    """Nothing of the deployer's environment reaches a template, whatever its name."""
    done = run(
        tmp_path,
        "-c",
        SYNTH,
        str(tmp_path),
        context={"stage": "prod"},
        STRIPE_API_KEY=CANARY,
        STRIPE_SECRET_KEY=CANARY,
        SIGNING_SECRET=CANARY,
        AWS_SESSION_TOKEN=CANARY,
    )
    assert done.returncode == 0, done.stderr
    assembly = [path for path in (tmp_path / "cdk.out").rglob("*") if path.is_file()]
    assert len([path for path in assembly if path.name.endswith(".template.json")]) == 3
    assert not [path for path in assembly if CANARY.encode() in path.read_bytes()]
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({}, "Paid Once: No stage is named; say -c stage=NAME, one of local, dev, staging, prod."),
        (
            {"stage": "prud"},
            'Paid Once: The stage "prud" is unknown; allowed are local, dev, staging, prod.',
        ),
        (
            {"stage": "dev", "stripe_api_url": "http://127.0.0.1:1"},
            "Paid Once: -c stripe_api_url is for the stage local only, not for dev.",
        ),
    ],
)
def test_a_wrong_stage_stops_synth_with_one_line(
    tmp_path: Path, context: dict[str, str], said: str
) -> None:
    done = run(tmp_path, "app.py", context=context)
    assert done.returncode == 1
    assert done.stderr.strip() == said
    assert not list(tmp_path.rglob("*.template.json"))


def test_a_layer_that_cannot_be_built_stops_synth_with_one_line(tmp_path: Path) -> None:
    failing = SYNTH.replace(
        "    folder = pathlib",
        '    raise infra.blocks.layers.LayerError("no wheel of x.")\n    folder = pathlib',
    )
    done = run(tmp_path, "-c", failing, str(tmp_path), context={"stage": "prod"})
    assert done.returncode == 1
    assert done.stderr.strip() == "Paid Once: no wheel of x."
