"""The extensions say at the start what they miss."""

import subprocess
from pathlib import Path

import pytest

from local.servers import CHECKOUT

pytestmark = pytest.mark.cloud

PYTHON = CHECKOUT / ".venv" / "cloud" / "bin" / "python"
START = "from local.aws.__main__ import main; main()"


def start_after(change: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The embedded AWS, started in a process in which ministack was changed first."""
    return subprocess.run(  # noqa: S603 -- our own command line
        [str(PYTHON), "-c", f"{change}\n{START}"],
        cwd=CHECKOUT,
        env={"GATEWAY_PORT": "1", "STATE_DIR": str(folder), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(
            "import ministack.services.secretsmanager as m; del m._remove_stage_everywhere",
            "ministack.services.secretsmanager._remove_stage_everywhere",
            id="a name that is called",
        ),
        pytest.param(
            "import ministack.services.cloudwatch as m; del m._evaluate_alarm",
            "ministack.services.cloudwatch._evaluate_alarm",
            id="a name that is replaced",
        ),
        pytest.param(
            "import ministack.services.lambda_svc as m; del m._emit_lambda_logs",
            "_emit_lambda_logs",
            id="a name that is wrapped",
        ),
        pytest.param(
            "import ministack.services.lambda_svc as m; del m._poll_dynamodb_streams",
            "_poll_dynamodb_streams",
            id="a poller that is replaced",
        ),
        pytest.param(
            "from ministack.services.cloudformation import provisioners as p;"
            " del p._RESOURCE_HANDLERS['AWS::DynamoDB::GlobalTable']",
            "AWS::DynamoDB::GlobalTable",
            id="a type of CloudFormation",
        ),
        pytest.param(
            "import importlib.metadata as m; m.version = lambda name: '1.5.34'",
            "1.5.34",
            id="another version",
        ),
    ],
)
def test_a_missing_patch_point_ends_the_start_with_one_sentence_that_names_it(
    change: str, named: str, tmp_path: Path
) -> None:
    ended = start_after(change, tmp_path)
    assert ended.returncode == 1
    assert named in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
