"""Functions run as on Lambda: they see boto3 and their own layers, nothing else that is here.

ministack runs a function with its own interpreter and packages. It unpacks each layer anew for each
worker, so that Python compiles it anew as well, and answers a burst with as many workers: on two
cores 60 of them took 25 s to start. Here layers are unpacked once, and a burst waits for a worker.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.aws.patching import JsonObject, UnsupportedMinistackError, replace

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html names boto3; these come with it.
RUNTIME_PACKAGES = (
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "six.py",
    "urllib3",
)

# Where unpacked layers are kept, for the next worker and for the next start.
LAYERS_VARIABLE = "PAIDONCE_LAYERS"

# More workers of one function than this only compete for the processor. Whoever has waited this
# long for one gets a new one all the same: those at work may be waiting for something slow.
WORKERS_OF_A_FUNCTION = max(4, 2 * (os.cpu_count() or 1))
WAIT_SECONDS = 3.0

_places: dict[str, threading.Semaphore] = {}
_places_lock = threading.Lock()
_execute = lambda_svc._execute_function_warm
_spawn = lambda_runtime.Worker._spawn
_script = lambda_runtime._PYTHON_WORKER_SCRIPT


def install() -> None:
    """Give workers their search path and the shared layers."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = _search_path_script(_runtime_packages()) + _script
    replace(lambda_runtime.Worker, "_spawn", spawn)
    replace(lambda_svc, "_execute_function_warm", execute)


def running() -> list[JsonObject]:
    """Each live worker: function, version, process id, and whether it is at work."""
    found = []
    for key, workers in list(lambda_runtime._workers.items()):
        _account, _region, function, version = key.split(":", 3)
        found += [
            {
                "function": function,
                "version": version,
                "pid": worker._proc.pid,
                "busy": worker.in_use,
            }
            for worker in list(workers)
            if worker._proc is not None and worker._proc.poll() is None
        ]
    return found


def execute(function: JsonObject, event: Any, request_id: str) -> JsonObject:
    """One invocation, when there is a place for it."""
    config = function.get("config") or function
    with _places_lock:
        places = _places.setdefault(
            config["FunctionArn"], threading.Semaphore(WORKERS_OF_A_FUNCTION)
        )
    has_place = places.acquire(timeout=WAIT_SECONDS)
    try:
        result: JsonObject = _execute(function, event, request_id)
    finally:
        if has_place:
            places.release()
    return result


def spawn(worker: Any) -> None:
    """Start a worker on layers that are unpacked already."""
    config: JsonObject = worker.config
    references = config.get("Layers") or []
    if not str(config.get("Runtime", "")).startswith("python") or not references:
        _spawn(worker)
        return
    folders = [_unpacked(lambda_svc._resolve_layer_zip(reference)) for reference in references]
    variables = (config.get("Environment") or {}).get("Variables") or {}
    variables = {**variables, "_LAMBDA_LAYERS_DIRS": os.pathsep.join(map(str, folders))}
    worker.config = {**config, "Layers": [], "Environment": {"Variables": variables}}
    try:
        _spawn(worker)
    finally:
        worker.config = config


def _unpacked(archive: bytes | None) -> Path:
    """The folder of a layer's files, named by their content."""
    if not archive:
        raise RuntimeError("A layer of this function has no content.")
    root = Path(os.environ.get(LAYERS_VARIABLE) or Path(tempfile.gettempdir()) / "layers")
    folder = root / hashlib.sha256(archive).hexdigest()[:32]
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix="half-", dir=root))
        file = half / "layer.zip"
        file.write_bytes(archive)
        with zipfile.ZipFile(file) as layer:
            layer.extractall(half / "files")
        try:
            (half / "files").rename(folder)
        except OSError:
            # Another worker, or another local cloud, was first with the same files.
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(half, ignore_errors=True)
    os.utime(folder)
    return folder


def _runtime_packages() -> Path:
    """A folder that holds what the Lambda runtime brings along, by links."""
    installed = Path(sysconfig.get_path("purelib"))
    folder = Path(tempfile.mkdtemp(prefix="lambda-runtime-"))
    for package in RUNTIME_PACKAGES:
        if not (installed / package).exists():
            raise UnsupportedMinistackError(f"{package} is not installed beside ministack.")
        (folder / package).symlink_to(installed / package)
    return folder


def _search_path_script(packages: Path) -> str:
    """The first lines of a worker: this environment's packages go, the runtime's come."""
    return (
        "import sys\n"
        f"sys.path[:] = [p for p in sys.path if not p.startswith({sys.prefix!r})]\n"
        f"sys.path.append({str(packages)!r})\n"
    )
