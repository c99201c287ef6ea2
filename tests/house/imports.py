"""What a handler does while it is imported, seen from a process of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bench.as_in_lambda import run
from tests.infra.templates import Assembly

_WATCHED = """
opened = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        opened.append(event)
sys.addaudithook(watch)
try:
    exec(sys.argv[1])
except Exception:
    if not opened:
        raise
print(json.dumps({"opened": opened, "modules": sorted(sys.modules)}))
"""


@dataclass(frozen=True)
class Seen:
    """Connections that were tried, and every module that is loaded now."""

    opened: list[str]
    modules: frozenset[str]

    def loaded(self, *names: str) -> set[str]:
        """Those of these packages that are loaded."""
        return {
            name
            for name in names
            if any(module == name or module.startswith(f"{name}.") for module in self.modules)
        }


def watch(code: str, environment: Mapping[str, str]) -> Seen:
    """Run this code with the modules that Lambda has."""
    done = run(_WATCHED, environment, code)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    return Seen(opened=seen["opened"], modules=frozenset(seen["modules"]))


def environment_of(prod: Assembly, folder: str) -> dict[str, str]:
    """The variables that the template gives to a function; references are names."""
    for properties in prod.resources("AWS::Lambda::Function").values():
        if properties["Handler"] == f"{folder}.handler.handle":
            variables = properties["Environment"]["Variables"]
            return {name: str(value) for name, value in variables.items()}
    raise AssertionError(f"{folder} is not deployed")
