"""Starts ministack with every extension, or says in one sentence why it cannot."""

import importlib
import os
import sys

from local.aws.patching import UnsupportedMinistackError, require_names, require_version

EXTENSIONS = (
    "secret_versions",
    "rotation",
    "template_properties",
    "template_types",
    "metrics",
    "metric_math",
    "alarms",
    "http_api",
    "principals",
    "streams",
    "workers",
    "controls",
)


def install() -> None:
    """Check every name that the extensions use, then put them all in place."""
    require_version()
    try:
        modules = [importlib.import_module(f"local.aws.{name}") for name in EXTENSIONS]
    except (ImportError, AttributeError) as error:
        raise UnsupportedMinistackError(
            f"ministack lacks what an extension needs: {error}"
        ) from error
    for module in modules:
        require_names(module)
    for module in modules:
        if hasattr(module, "install"):
            module.install()


def main() -> None:
    """Serve until SIGTERM, on GATEWAY_PORT of the loopback interface."""
    # The controls sign tokens for anybody who asks: nobody but this machine may.
    os.environ["BIND_HOST"] = "127.0.0.1"
    try:
        install()
    except UnsupportedMinistackError as error:
        sys.exit(str(error))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
