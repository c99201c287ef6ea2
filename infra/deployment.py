"""The stacks of one stage, checked by cdk-nag."""

from collections.abc import Callable
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.blocks.layers import Target, build_dependencies
from infra.stacks.alarms import Alarms
from infra.stacks.service import Service
from infra.stacks.storage import Storage
from infra.stage import Stage


def build_stacks(
    app: App, stage: Stage, *, build_layer: Callable[[Target], Path] = build_dependencies
) -> tuple[Storage, Service, Alarms]:
    """Storage, service, alarms, in the order in which they are deployed."""
    storage = Storage(app, stage=stage)
    service = Service(app, stage=stage, storage=storage, build_layer=build_layer)
    alarms = Alarms(app, stage=stage, storage=storage, service=service)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return storage, service, alarms
