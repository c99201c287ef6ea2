"""The CDK app: `cdk deploy -c stage=NAME --all` reads that stage and builds its stacks."""

import sys
from pathlib import Path

import infra.node_home  # noqa: F401 # isort: skip - first, before anything of CDK's
from aws_cdk import App

from infra.allowed import StageError
from infra.blocks.layers import LayerError
from infra.deployment import build_stacks
from infra.stage import read_stage


def main() -> None:
    """Synthesise one stage; what is wrong with it is one line, not a traceback."""
    app = App()
    try:
        stage = read_stage(
            Path(__file__).with_name("stages.toml"),
            app.node.try_get_context("stage"),
            stripe_api_url=app.node.try_get_context("stripe_api_url"),
            public_url=app.node.try_get_context("public_url"),
        )
        build_stacks(app, stage)
    except (StageError, LayerError) as error:
        sys.exit(f"Paid Once: {error}")
    app.synth()


main()
