"""stages.toml read into one frozen dataclass: whatever is wrong stops synth with one sentence."""

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from infra import settings
from infra.allowed import Flag, OneOf, StageError, Text, read_table, shown, wrong

# https://docs.stripe.com/rate-limits: calls a second for a whole account, by mode.
STRIPE_CALLS_PER_SECOND = {"live": 100, "test": 25}
LOCAL = "local"
# The account of the embedded AWS; no real one has it.
LOCAL_ACCOUNT = "000000000000"
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
SNAP_START_PYTHON = (3, 12)

# A key, its value, and what is allowed beside the other values.
_Conflict = tuple[str, object, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """All that a deployment of Paid Once can be told."""

    name: Annotated[str, Text(r"[a-z][a-z0-9-]{0,15}", "up to 16 lower case letters, digits, -")]
    account: Annotated[str, Text(r"(\d{12})?", '12 digits, or ""')]
    region: Annotated[str, Text(r"[a-z]{2}(-[a-z]+)+-\d", "a region, as in us-east-1")]
    mode: Annotated[str, OneOf("live", "test")]
    removal: Annotated[str, OneOf("retain", "destroy")]
    enforce_ssl: Annotated[bool, Flag()]
    runtime: settings.Runtime
    retention: settings.Retention
    stripe: settings.Stripe
    jwt: settings.Jwt
    http: settings.Http
    receiver: settings.Receiver
    worker: settings.Worker
    payments_api: settings.PaymentsApi
    budgets: settings.Budgets
    alarms: settings.Alarms
    operations: settings.Operations
    breaker: settings.Breaker
    catalogue: settings.Catalogue
    subscriptions: settings.Subscriptions
    publishing: settings.Publishing
    verify: settings.Verification
    consumers: settings.Consumers
    fraud_warnings: settings.FraudWarnings
    rotation: settings.Rotation
    reconcile: settings.Reconcile
    access: settings.Access

    @property
    def livemode(self) -> bool:
        """True when the money is real."""
        return self.mode == "live"

    @property
    def keeps_data(self) -> bool:
        """True when data outlives its stack."""
        return self.removal == "retain"

    @property
    def is_local(self) -> bool:
        """True on the embedded AWS of a laptop."""
        return self.name == LOCAL

    def named(self, what: str) -> str:
        """The physical name of something in this stage: two stages can share an account."""
        return f"paidonce-{self.name}-{what}"


def read_stage(
    path: Path, name: object, *, stripe_api_url: object = None, public_url: object = None
) -> Stage:
    """Read one stage; the two addresses replace those of `local`, whose servers pick their ports.

    Raises StageError with the first thing that is wrong.
    """
    return stage_from(_read_toml(path), name, stripe_api_url=stripe_api_url, public_url=public_url)


def stage_from(
    tables: Mapping[str, object],
    name: object,
    *,
    stripe_api_url: object = None,
    public_url: object = None,
) -> Stage:
    """The same from what the file says."""
    known = [table for table in tables if table != "defaults"]
    defaults = _table(tables.get("defaults"), "defaults")
    if name is None:
        raise StageError(f"No stage is named; say -c stage=NAME, one of {', '.join(known)}.")
    if not isinstance(name, str) or name not in known:
        raise StageError(f"The stage {shown(name)} is unknown; allowed are {', '.join(known)}.")
    own = _table(tables[name], name)
    if "name" in own or "name" in defaults:
        raise StageError(f"stages.toml: {name}.name is unknown; a stage's name is its table's.")
    values = _merged(_merged(defaults, own), {"name": name})
    for table, key, option, address in (
        ("stripe", "api_url", "stripe_api_url", stripe_api_url),
        ("http", "public_url", "public_url", public_url),
    ):
        if address is None:
            continue
        if name != LOCAL:
            raise StageError(f"-c {option} is for the stage {LOCAL} only, not for {name}.")
        values = _merged(values, {table: {key: address}})
    stage = read_table(Stage, values, place=name)
    for key, value, allowed in _conflicts(stage):
        raise StageError(wrong(f"{name}.{key}", value, allowed=allowed))
    return stage


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(f"{path.name} is missing beside app.py.") from None
    except UnicodeDecodeError:
        raise StageError(f"{path.name} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        # Only the place: the message can quote the file.
        place = str(error).rpartition("(")[2].rstrip(")")
        raise StageError(f"{path.name} is not TOML {place}.") from None


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise StageError(f"stages.toml: {where} is not a table; allowed is [{where}].")
    return value


def _merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _conflicts(stage: Stage) -> Iterator[_Conflict]:
    """Each value that its own rule allows but another value does not."""
    yield from _only_local(stage)
    yield from _times(stage)
    yield from _mode(stage)
    http, jwt = stage.http, stage.jwt
    if jwt.own_pool and jwt.audience:
        yield "jwt.audience", list(jwt.audience), '[] with issuer "cognito"'
    if not jwt.own_pool and not jwt.audience:
        yield "jwt.audience", [], "at least one audience with an issuer of your own"
    certificate = http.certificate_arn
    if bool(http.domain_name) != bool(certificate):
        yield "http.certificate_arn", certificate, '"" if and only if http.domain_name is ""'
    if certificate and f":acm:{stage.region}:" not in certificate:
        yield "http.certificate_arn", certificate, f"a certificate of {stage.region}"
    python = tuple(int(part) for part in stage.runtime.lambda_python.split("."))
    if stage.runtime.snap_start and (stage.runtime.on_host or python < SNAP_START_PYTHON):
        yield "runtime.snap_start", True, "false before Python 3.12 and on host"


def _only_local(stage: Stage) -> Iterator[_Conflict]:
    runtime = stage.runtime
    if stage.is_local != (stage.account == LOCAL_ACCOUNT):
        yield "account", stage.account, f'"{LOCAL_ACCOUNT}" in local and nowhere else'
    if runtime.on_host != (runtime.python == "host"):
        yield "runtime.python", runtime.python, '"host" if and only if the architecture is'
    if stage.is_local:
        return
    if stage.stripe.api_url != settings.STRIPE_API_URL:
        yield "stripe.api_url", stage.stripe.api_url, f'"{settings.STRIPE_API_URL}"'
    if stage.http.public_url:
        yield "http.public_url", stage.http.public_url, '"" outside of local'
    if runtime.on_host:
        yield "runtime.architecture", "host", '"arm64" or "x86_64" outside of local'
    if not stage.enforce_ssl:
        yield "enforce_ssl", False, "true outside of local"


def _times(stage: Stage) -> Iterator[_Conflict]:
    worker, api, keep = stage.worker, stage.payments_api, stage.retention
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    hidden_min = 6 * worker.timeout_seconds
    if worker.visibility_seconds < hidden_min:
        allowed = f"{hidden_min} or more, 6 times worker.timeout_seconds"
        yield "worker.visibility_seconds", worker.visibility_seconds, allowed
    consumers = stage.consumers
    consumers_min = 6 * consumers.timeout_seconds
    if consumers.visibility_seconds < consumers_min:
        allowed = f"{consumers_min} or more, 6 times consumers.timeout_seconds"
        yield "consumers.visibility_seconds", consumers.visibility_seconds, allowed
    if 4 * worker.fetch_timeout_seconds > worker.timeout_seconds:
        allowed = f"at most {worker.timeout_seconds // 4}, a quarter of worker.timeout_seconds"
        yield "worker.fetch_timeout_seconds", worker.fetch_timeout_seconds, allowed
    if api.request_deadline_seconds >= api.timeout_seconds:
        allowed = f"less than {api.timeout_seconds}, payments_api.timeout_seconds"
        yield "payments_api.request_deadline_seconds", api.request_deadline_seconds, allowed
    if api.call_timeout_seconds > api.request_deadline_seconds:
        allowed = f"at most {api.request_deadline_seconds}, payments_api.request_deadline_seconds"
        yield "payments_api.call_timeout_seconds", api.call_timeout_seconds, allowed
    # While two secrets are live, every receiver must come to know the new one.
    if stage.receiver.secret_cache_seconds >= stage.rotation.retire_after_seconds:
        allowed = f"less than {stage.rotation.retire_after_seconds}, rotation.retire_after_seconds"
        yield "receiver.secret_cache_seconds", stage.receiver.secret_cache_seconds, allowed
    # A message that spent its queue's days must still be seen among the dead.
    if keep.dead_letter_days <= keep.queue_days:
        allowed = f"more than {keep.queue_days}, retention.queue_days"
        yield "retention.dead_letter_days", keep.dead_letter_days, allowed


def _mode(stage: Stage) -> Iterator[_Conflict]:
    budgets, key = stage.budgets, stage.stripe.publishable_key
    if key and not key.startswith(f"pk_{stage.mode}_"):
        yield "stripe.publishable_key", key, f'pk_{stage.mode}_… in {stage.mode} mode, or ""'
    if stage.livemode and stage.is_local:
        yield "mode", "live", '"test" in local'
    if stage.livemode and not stage.keeps_data:
        yield "removal", stage.removal, '"retain" in live mode'
    calls = (
        budgets.api_per_second
        + budgets.worker_per_second
        + budgets.reconcile_per_second
        + budgets.probe_per_second
    )
    # The stand-in of local has no limit, and load tests need none.
    calls_max = STRIPE_CALLS_PER_SECOND[stage.mode]
    if calls > calls_max and not stage.is_local:
        allowed = f"at most {calls_max} calls a second in all in {stage.mode} mode"
        yield "budgets", calls, allowed
