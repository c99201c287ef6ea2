"""The pinned `cdk` command line, run against the embedded AWS of one local cloud."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from local import processes
from local.errors import CommandFailedError
from local.servers import CACHE, CHECKOUT

ACCOUNT = "000000000000"
REGION = "us-east-1"
# The embedded AWS takes any; one key for all, because cdk remembers which account a key belongs to.
CREDENTIALS = ("test", "test")

# The first synth of a clone downloads and builds the dependency layer.
SECONDS_MAX = {"synth": 420.0, "bootstrap": 90.0, "deploy": 300.0}
_TAIL_LINES = 25
# The sentences in which cdk, CloudFormation and our own app say what is wrong, clearest first.
_REASONS = (
    re.compile(r"Paid Once: .+"),
    re.compile(r"\w+ \| .*(?:CREATE|UPDATE|DELETE)_FAILED\s.*"),
    re.compile(r"(?:\w*Error|❌).*"),
)


class Deployment:
    """One app and one stage on one embedded AWS; everything it writes lies below `folder`."""

    def __init__(
        self, *, folder: Path, logs: Path, endpoint_url: str, context: Mapping[str, str]
    ) -> None:
        self._logs = logs
        self._context = context
        self._assembly = folder / "cdk.out"
        self._outputs = folder / "outputs.json"
        self._bootstrapped = folder / "bootstrapped"
        self._environment = _environment(folder, endpoint_url)
        self._folder = folder
        self._live: list[subprocess.Popen[str]] = []

    def prepare(self) -> None:
        """Synthesise the app and, the first time, bootstrap the account: both at once."""
        steps = [self._synth] if self._bootstrapped.exists() else [self._synth, self._bootstrap]
        with ThreadPoolExecutor(len(steps)) as pool:
            try:
                for done in as_completed([pool.submit(step) for step in steps]):
                    done.result()
            except BaseException:
                # The other one, and all at Ctrl-C, must not be waited for.
                for process in self._live:
                    processes.kill_group(process.pid)
                raise

    def deploy(self) -> dict[str, str]:
        """Deploy what changed of what was synthesised; returns every output by name."""
        self._outputs.unlink(missing_ok=True)
        self._run(
            "deploy",
            [
                *("deploy", "--all", "-a", str(self._assembly), "-O", str(self._outputs)),
                *("--require-approval", "never", "--progress", "events", "--concurrency", "4"),
            ],
        )
        stacks: dict[str, dict[str, str]] = json.loads(self._outputs.read_text())
        return {name: value for stack in stacks.values() for name, value in stack.items()}

    def _synth(self) -> None:
        chosen = [f"--context={name}={value}" for name, value in self._context.items()]
        self._run("synth", ["synth", "--quiet", "-o", str(self._assembly), *chosen])

    def _bootstrap(self) -> None:
        # Run elsewhere: where there is a cdk.json, cdk would synthesise the app for this too.
        self._run("bootstrap", ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], folder=self._folder)
        self._bootstrapped.touch()

    def _run(self, step: str, arguments: Sequence[str], folder: Path = CHECKOUT) -> None:
        cdk = CHECKOUT / "node_modules" / ".bin" / "cdk"
        log = self._logs / f"{step}.log"
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [str(cdk), *arguments, "--no-notices"],
                env=self._environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self._live.append(process)
        with processes.ended_afterwards(process):
            try:
                status = process.wait(SECONDS_MAX[step])
            except subprocess.TimeoutExpired:
                raise CommandFailedError(
                    f"cdk {step} was not done after {SECONDS_MAX[step]:.0f} s; its log is {log}.",
                    _tail(log),
                ) from None
        if status:
            raise CommandFailedError(
                f"cdk {step} failed: {_reason(log)} (its log is {log})", _tail(log)
            )


def _environment(folder: Path, endpoint_url: str) -> dict[str, str]:
    """This process's environment, with the embedded AWS in place of any real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        **aws_environment(endpoint_url),
        "CDK_HOME": str(folder / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CI": "true",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        # Unpacking aws-cdk-lib takes 8 s; kept in the checkout it is done once.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ.get(
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(CACHE / "jsii")
        ),
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "TMPDIR": str(temporary),
    }


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """What the AWS command lines and libraries read to find the embedded AWS, and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _lines(log: Path) -> list[str]:
    return [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]


def _tail(log: Path) -> str:
    return "\n".join(_lines(log)[-_TAIL_LINES:])


def _reason(log: Path) -> str:
    lines = _lines(log)
    for pattern in _REASONS:
        for line in lines:
            found = pattern.search(line)
            if found:
                return found[0]
    return lines[-1] if lines else "it said nothing."


def output(outputs: Mapping[str, Any], name: str) -> str:
    """An output that the app is known to have."""
    try:
        return str(outputs[name])
    except KeyError:
        raise CommandFailedError(
            f"The stacks have no output {name}, which the local cloud needs.", ""
        ) from None
