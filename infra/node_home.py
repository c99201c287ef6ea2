"""Gives CDK's node process a home in the checkout: there it caches fingerprints of assets.

aws-cdk-lib 2.275 takes `~/.cdk/cache/fingerprints`, whatever CDK_HOME says. Importing aws_cdk
starts the process, which keeps the environment of that moment; pip, later, wants the user's home.
"""

import os
from pathlib import Path

HOME = Path(__file__).parents[1] / ".local" / "cache" / "home"


def _start() -> None:
    kept = os.environ.get("HOME")
    os.environ["HOME"] = str(HOME)
    try:
        import aws_cdk  # noqa: F401, PLC0415 - imported for the process that it starts
    finally:
        if kept is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = kept


_start()
