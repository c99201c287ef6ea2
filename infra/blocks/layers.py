"""The two layers of every function: our own code as it lies, dependencies built without Docker."""

import dataclasses
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.settings import Runtime

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = REPOSITORY / "layers" / "dependencies" / "requirements.txt"
BUILT = REPOSITORY / ".build" / "layers"
# Rises when the way of building changes what is built.
_RECIPE = "1"
# Lambda's Pythons from 3.12 on run on Amazon Linux 2023, glibc 2.34; 3.11 on Amazon Linux 2, 2.26.
_MANYLINUX = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_26")
_MANYLINUX_2023 = (*_MANYLINUX, "manylinux_2_28", "manylinux_2_34")
_AMAZON_LINUX_2_PYTHON = "3.11"


class LayerError(Exception):
    """The dependencies cannot be built; its text is one line that names what is missing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """What wheels must fit."""

    architecture: str
    python: str
    on_host: bool

    @classmethod
    def of(cls, runtime: Runtime) -> "Target":
        """The target of a stage's functions."""
        return cls(
            architecture=runtime.lambda_architecture,
            python=runtime.lambda_python,
            on_host=runtime.on_host,
        )

    def __str__(self) -> str:
        """As an error names it."""
        where = f" on this {platform.system()}" if self.on_host else ""
        return f"{self.architecture} and Python {self.python}{where}"

    def pip_options(self) -> list[str]:
        """Options that make pip fetch wheels for the target; for the host, pip's own choice."""
        if self.on_host:
            return []
        machine = {"arm64": "aarch64"}.get(self.architecture, self.architecture)
        old = self.python == _AMAZON_LINUX_2_PYTHON
        options = ["--python-version", self.python, "--implementation", "cp"]
        for manylinux in _MANYLINUX if old else _MANYLINUX_2023:
            options += ["--platform", f"{manylinux}_{machine}"]
        return options


def build_dependencies(
    target: Target, *, requirements: Path = REQUIREMENTS, into: Path = BUILT
) -> Path:
    """Return the folder of the built layer, from the cache when the same was built before.

    The folder's name is a hash of all that decides its content. A build that is cut off leaves no
    folder of that name, and two builds at once do not disturb each other. Raises LayerError.
    """
    said = f"{_RECIPE} {target} {target.pip_options()}\n{requirements.read_text()}"
    built = into / hashlib.sha256(said.encode()).hexdigest()[:24]
    if built.is_dir():
        return built
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=into) as work:
        folder = Path(work) / "layer"
        _install(target, requirements, folder / "python")
        try:
            folder.rename(built)
        except OSError:
            # Somebody else has just built the same; theirs is as good.
            if not built.is_dir():
                raise
    return built


def _install(target: Target, requirements: Path, folder: Path) -> None:
    # --no-deps: requirements.txt is complete, so nothing comes in unseen.
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--retries", "2"),
        *("--target", str(folder), "--requirement", str(requirements)),
        *target.pip_options(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own command line
    if done.returncode:
        raise LayerError(_why(target, done.stderr))
    # Scripts carry this machine's path of Python, byte code its time: neither belongs into a hash.
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for cache in sorted(folder.rglob("__pycache__")):
        shutil.rmtree(cache)


def _why(target: Target, said: str) -> str:
    """One line from pip's many."""
    layer = f"The dependency layer for {target} cannot be built"
    if re.search(r"connection|timed out|name resolution|resolve", said, re.IGNORECASE):
        return f"{layer}: pip does not reach its package index."
    missing = re.search(r"No matching distribution found for (\S+)", said)
    if missing:
        return f"{layer}: there is no wheel of {missing[1]} for it."
    last = [line for line in said.splitlines() if line.strip()][-1:] or ["pip said nothing"]
    return f"{layer}: {last[0].removeprefix('ERROR: ').strip()}"


class Layers(Construct):
    """Both layers, in the order in which functions find modules."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        runtime: Runtime,
        build: Callable[[Target], Path] = build_dependencies,
    ) -> None:
        super().__init__(scope, construct_id)
        built = build(Target.of(runtime))
        own = lambda_.Code.from_asset(
            str(REPOSITORY / "layers" / "paidonce"), exclude=["**/__pycache__"]
        )
        wheels = lambda_.Code.from_asset(
            str(built), asset_hash=built.name, asset_hash_type=AssetHashType.CUSTOM
        )
        self.versions = [
            self._version("Own", own, runtime, "Paid Once: domain, rules, use cases, adapters"),
            self._version("Dependencies", wheels, runtime, "Third-party wheels"),
        ]

    def _version(
        self, construct_id: str, code: lambda_.Code, runtime: Runtime, description: str
    ) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=code,
            description=description,
            compatible_architectures=[architecture(runtime)],
            compatible_runtimes=[python(runtime)],
        )


def architecture(runtime: Runtime) -> lambda_.Architecture:
    """What CDK calls the stage's architecture."""
    arm = runtime.lambda_architecture == "arm64"
    return lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64


def python(runtime: Runtime) -> lambda_.Runtime:
    """What CDK calls the stage's Python."""
    return lambda_.Runtime(
        f"python{runtime.lambda_python}",
        lambda_.RuntimeFamily.PYTHON,
        # infra/stage.py refuses the setting where Lambda would.
        supports_snap_start=runtime.snap_start,
    )
