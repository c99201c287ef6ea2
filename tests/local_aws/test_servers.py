"""Both servers start, are found again and end, whoever started them and however they ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local import processes
from local.cloud import LocalCloud
from local.deployment import Deployment
from local.errors import CommandFailedError, LocalCloudError
from local.processes import Program
from local.servers import CHECKOUT
from tests.local_aws.embedded import until

pytestmark = pytest.mark.cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    made = LocalCloud(tmp_path)
    yield made
    made.stop()


def pids(cloud: LocalCloud) -> list[int]:
    found = [processes.read(cloud.directory / f"{name}.pid") for name in ("aws", "stripe")]
    return [running.pid for running in found if running is not None]


def alive(pid: int) -> bool:
    return processes.started_at(pid) is not None


def python(code: str, folder: Path) -> "subprocess.Popen[str]":
    """Another process that has the local cloud of this folder as `cloud`."""
    given = f"import pathlib, signal; from local.cloud import LocalCloud; D = {str(folder)!r}; "
    given += "cloud = LocalCloud(pathlib.Path(D))\n"
    return subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-c", given + code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )


def test_a_second_start_finds_the_first(cloud: LocalCloud) -> None:
    assert cloud.start() is True
    first = pids(cloud)
    assert cloud.start() is False
    assert pids(cloud) == first


def test_stop_leaves_no_process_and_only_logs(cloud: LocalCloud) -> None:
    cloud.start()
    first = pids(cloud)
    assert cloud.stop() is True
    assert not any(map(alive, first))
    assert {path.name for path in cloud.directory.iterdir()} == {"lock", "logs"}
    assert cloud.stop() is False


def test_another_process_can_stop_it(cloud: LocalCloud) -> None:
    cloud.start()
    first = pids(cloud)
    with python("print(cloud.stop())", cloud.directory) as other:
        assert other.communicate()[0].strip() == "True"
    until(lambda: not any(map(alive, first)))


def test_a_half_dead_cloud_is_started_anew(cloud: LocalCloud) -> None:
    cloud.start()
    first = pids(cloud)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: not alive(first[0]))
    assert cloud.start() is True
    assert not any(map(alive, first))
    assert len(pids(cloud)) == 2


def test_a_stale_pid_file_ends_nobody_else(cloud: LocalCloud) -> None:
    """A process id is given again; the time of its start is not."""
    bystander = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    pid_file = cloud.directory / "aws.pid"
    for said in (json.dumps({"pid": bystander.pid, "started": "1", "port": 1}), "{not json", ""):
        pid_file.write_text(said)
        assert cloud.stop() is False
        assert bystander.poll() is None
        assert not pid_file.exists()
    bystander.kill()
    bystander.wait()


def test_two_clouds_run_at_the_same_time(cloud: LocalCloud, tmp_path: Path) -> None:
    with LocalCloud(tmp_path / "other") as other:
        cloud.start()
        assert len({cloud.aws["endpoint_url"], other.aws["endpoint_url"]}) == 2
        assert other.workers() == cloud.workers() == []
        # Calls of AWS's JSON protocols are counted, each server's own.
        boto3.client("secretsmanager", **other.aws).list_secrets()
        assert other.calls() == {"secretsmanager.ListSecrets": 1}
        assert cloud.calls() == {}


def test_two_commands_on_one_cloud_do_not_mix(cloud: LocalCloud) -> None:
    holding = "\nwith cloud._servers.alone():\n    print('held', flush=True)\n    signal.pause()"
    with python(holding, cloud.directory) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(LocalCloudError, match="Another command is at work"):
            cloud.start()
        other.kill()
    assert cloud.start() is True


def test_sigterm_inside_the_with_block_leaves_nothing_running(cloud: LocalCloud) -> None:
    body = "with cloud:\n    print('up', flush=True)\n    signal.pause()"
    with python(body, cloud.directory) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "up"
        started = pids(cloud)
        other.terminate()
        assert other.wait(20) == 128 + signal.SIGTERM
    assert len(started) == 2
    assert not any(map(alive, started))


def test_a_program_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    code = "print('first', flush=True); raise SystemExit('the reason')"
    program = Program("It", [sys.executable, "-c", code], {}, tmp_path, "/health")
    with pytest.raises(LocalCloudError, match=r"^It did not start: the reason$"):
        processes.start(program, 1, tmp_path / "log")


def test_a_busy_port_is_left_for_another(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may take a port between our look at it and the server's."""
    cloud.start()
    taken = processes.read(cloud.directory / "aws.pid")
    assert taken is not None
    ports = iter([taken.port, processes.free_port(), taken.port, processes.free_port()])
    monkeypatch.setattr(processes, "free_port", lambda: next(ports))
    with LocalCloud(cloud.directory / "other") as other:
        urls = {cloud.aws["endpoint_url"], other.aws["endpoint_url"]}
        assert len(urls) == 2
        assert other.workers() == cloud.workers() == []


def test_without_a_cloud_every_question_says_how_to_get_one(cloud: LocalCloud) -> None:
    for ask in (lambda: cloud.endpoints, lambda: cloud.aws, cloud.token, cloud.workers):
        with pytest.raises(LocalCloudError, match="make up"):
            ask()


def test_a_failed_deployment_says_why_in_one_sentence(tmp_path: Path) -> None:
    # Else it would first fail to bootstrap an AWS that is not there.
    (tmp_path / "bootstrapped").touch()
    deployment = Deployment(
        folder=tmp_path,
        logs=tmp_path,
        endpoint_url="http://127.0.0.1:9",
        context={"stage": "nowhere"},
    )
    with pytest.raises(CommandFailedError, match="nowhere") as failed:
        deployment.prepare()
    assert "\n" not in str(failed.value)
    assert failed.value.tail
