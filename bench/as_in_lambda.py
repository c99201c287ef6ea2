"""A fresh interpreter that has what a function has on Lambda: both layers, the runtime, no more.

Without that a laptop would measure (and test) other imports than Lambda makes: the Stripe library,
for one, takes httpx where it finds it, and httpx takes rich.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYER = ROOT / "layers" / "dependencies" / "requirements.txt"
# What Lambda's own Python brings: boto3 and what that needs.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")

# Credentials and a region stand in the environment; nobody listens on port 9.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}

_START = """
import json, sys
class Hidden:
    names = frozenset(json.loads(sys.argv.pop(1)))
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in cls.names:
            raise ModuleNotFoundError(f"{name} is not in the layer", name=name)
sys.meta_path.insert(0, Hidden)
exec(sys.argv.pop(1))
"""


@cache
def hidden_modules() -> frozenset[str]:
    """Top-level modules that are installed here and would not be there."""
    lines = LAYER.read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    there = {_plain(name) for name in (*pinned, *RUNTIME)}
    return frozenset(
        module
        for module, distributions in packages_distributions().items()
        if not any(_plain(name) in there for name in distributions)
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run(
    code: str, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run this code with the product on its path; `sys.argv[1:]` are the arguments."""
    path = (ROOT / "layers" / "paidonce" / "python", ROOT / "functions")
    return subprocess.run(  # noqa: S603 - our own interpreter and a constant program
        [sys.executable, "-c", _START, json.dumps(sorted(hidden_modules())), code, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            **ENVIRONMENT,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
