"""A local cloud: the embedded AWS, the stand-in Stripe, and the CDK app deployed between them."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import httpx
import stripe
from rich.console import Console

from infra.stage import Stage, read_stage
from local import processes, stripe_settings
from local.deployment import CREDENTIALS, REGION, Deployment, output
from local.endpoints import SCOPES, AwsOptions, Endpoints
from local.errors import LocalCloudError
from local.servers import CHECKOUT, Servers
from local.signing import Signing, event_types

DIRECTORY = CHECKOUT / ".local"
# Whom the token of endpoints.json is for, and how long: it opens nothing but this laptop.
OPERATOR = "operator"
_OPERATOR_TOKEN_SECONDS = 30 * 86400


class LocalCloud:
    """One local cloud, whose state lies in `directory`; several may run in different ones.

    As a context manager it starts from nothing and leaves nothing running; `deploy` comes between.
    With `evaluates_iam` every call needs a policy that allows it, as on AWS: a function can do only
    what its role may. With a console it shows each step and how long it took. `enabled_events` are
    what the endpoint at the stand-in is sent: as at Stripe, exactly what has a rule, unless a test
    wants more.
    """

    def __init__(
        self,
        directory: Path = DIRECTORY,
        stage: str = "local",
        *,
        enabled_events: Sequence[str] | None = None,
        evaluates_iam: bool = False,
        console: Console | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.stage = stage
        self._enabled_events = enabled_events
        self._console = console
        self._evaluates_iam = evaluates_iam
        self._servers = Servers(self.directory, evaluates_iam=evaluates_iam)
        self._endpoints_file = self.directory / "endpoints.json"

    def __enter__(self) -> Self:
        """Fresh servers; what an earlier cloud left behind is ended first."""
        processes.let_sigterm_unwind()
        self.stop()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is left running."""
        self.stop()

    def start(self) -> bool:
        """Start both servers; False when they run already. Raises LocalCloudError."""
        with self._servers.alone():
            if self._servers.are_healthy():
                return False
            self._endpoints_file.unlink(missing_ok=True)
            if self._servers.start(self._step, stripe_key=self._stripe_key) and self._console:
                self._console.print("[yellow]![/] an earlier local cloud was found and ended")
            return True

    def stop(self) -> bool:
        """End every process, keep the logs and remove the rest; False when nothing ran."""
        if not self.directory.is_dir():
            return False
        with self._servers.alone():
            self._endpoints_file.unlink(missing_ok=True)
            return self._servers.stop()

    def deploy(self) -> Endpoints:
        """Synthesise, deploy what changed, and set up Stripe; raises LocalCloudError.

        A failure leaves everything running as it is, for whoever wants to look.
        """
        with self._servers.alone():
            outputs = self._deployed()
            with self._step("keys and the webhook endpoint are set"):
                endpoints = self._endpoints(outputs)
                self._set_up_stripe(endpoints)
            self._endpoints_file.write_text(json.dumps(endpoints, indent=2) + "\n")
            return endpoints

    @property
    def endpoints(self) -> Endpoints:
        """What the last deployment wrote to endpoints.json; raises LocalCloudError."""
        try:
            written: Endpoints = json.loads(self._endpoints_file.read_text())
        except FileNotFoundError:
            raise LocalCloudError(
                f"No local cloud is deployed in {self.directory}: start one with 'make up'."
            ) from None
        return written

    @property
    def aws(self) -> AwsOptions:
        """For `boto3.client(service, **cloud.aws)`."""
        return {
            "endpoint_url": self._servers.aws.url,
            "region_name": REGION,
            "aws_access_key_id": CREDENTIALS[0],
            "aws_secret_access_key": CREDENTIALS[1],
        }

    @property
    def log_paths(self) -> Mapping[str, Path]:
        """The logs of both servers and of each step of the deployment."""
        names = ("aws", "stripe", "synth", "bootstrap", "deploy")
        return {name: self._servers.logs / f"{name}.log" for name in names}

    def token(
        self,
        scopes: Sequence[str] = SCOPES,
        sub: str = OPERATOR,
        *,
        expires_in_seconds: int = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A JWT as the deployed pool signs it; seconds below 0 make one that has expired.

        Scopes may be plain or carry the pool's prefix; `claims` replace others, None removes one.
        """
        outputs = self.endpoints["outputs"]
        return self._token(outputs, scopes, sub, seconds=expires_in_seconds, claims=claims)

    def workers(self) -> list[dict[str, Any]]:
        """Each live Lambda worker: function, version, pid, busy."""
        found: list[dict[str, Any]] = self._control("GET", "workers")["workers"]
        return found

    def kill_worker(self, function: str, *, busy_only: bool = False) -> list[int]:
        """End the workers of a function at once, as a crash would; returns their process ids.

        The function may be named as its folder (`apply_event`) or as AWS knows it.
        """
        names = {function, f"paidonce-{self.stage}-{function.replace('_', '-')}"}
        killed = []
        for worker in self.workers():
            if worker["function"] in names and (worker["busy"] or not busy_only):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker["pid"], signal.SIGKILL)
                    killed.append(worker["pid"])
        return killed

    @property
    def settings(self) -> Stage:
        """The stage's settings, as they were deployed."""
        return read_stage(CHECKOUT / "stages.toml", self.stage)

    def calls(self) -> dict[str, int]:
        """How often each call of AWS's was made, as in `secretsmanager.GetSecretValue`."""
        found: dict[str, int] = self._control("GET", "calls")["calls"]
        return found

    def dynamodb_units(self) -> dict[str, float]:
        """Units of capacity that DynamoDB would have charged: `read`, `write`, `index_write`."""
        found: dict[str, float] = self._control("GET", "calls")["dynamodb_units"]
        return found

    def evaluate_alarms(self) -> None:
        """Publish the clock's metrics and look at every alarm now, not in 5 seconds."""
        self._control("POST", "tick")

    @property
    def _publishable_key(self) -> str:
        return stripe_settings.stage_setting(self.stage, "publishable_key")

    @property
    def _stripe_key(self) -> str:
        return stripe_settings.secret_key(self._publishable_key)

    def _deployed(self) -> dict[str, str]:
        deployment = Deployment(
            folder=self._servers.run,
            logs=self._servers.logs,
            endpoint_url=self._servers.aws.url,
            context={
                "stage": self.stage,
                # The roles of CDK's bootstrap may not read its own bucket there.
                **({"deploy_as": "caller"} if self._evaluates_iam else {}),
                "stripe_api_url": self._servers.stripe.url,
                # API Gateway's own address cannot be reached here; this is the same API by path.
                "public_url": f"{self._servers.aws.url}/_aws/execute-api/{{api_id}}/$default",
            },
        )
        with self._step("the app is synthesised"):
            deployment.prepare()
        with self._step("the stacks are deployed"):
            return deployment.deploy()

    @contextlib.contextmanager
    def _step(self, truth: str) -> Iterator[None]:
        """A step, named by what is true after it."""
        if self._console is None:
            yield
            return
        began = time.monotonic()
        with self._console.status(f"until {truth} …"):
            yield
        took = time.monotonic() - began
        self._console.print(f"[green]✓[/] {truth:<42}[dim]{took:5.1f} s[/]", highlight=False)

    def _endpoints(self, outputs: dict[str, str]) -> Endpoints:
        aws = self._servers.aws.url
        api_url = output(outputs, "ApiUrl")
        return Endpoints(
            aws_endpoint_url=aws,
            region=REGION,
            aws_access_key_id=CREDENTIALS[0],
            aws_secret_access_key=CREDENTIALS[1],
            api_url=api_url,
            webhook_url=output(outputs, "WebhookUrl"),
            token_url=f"{aws}/oauth2/token",
            stripe_api_url=self._servers.stripe.url,
            stripe_secret_key=self._stripe_key,
            publishable_key=self._publishable_key,
            token=self._token(outputs, SCOPES, OPERATOR, seconds=_OPERATOR_TOKEN_SECONDS),
            stage=self.stage,
            outputs=outputs,
        )

    def _set_up_stripe(self, endpoints: Endpoints) -> None:
        secrets = boto3.client("secretsmanager", **self.aws)
        client = stripe.StripeClient(
            self._stripe_key, base_addresses={"api": endpoints["stripe_api_url"]}
        )
        try:
            stripe_settings.put_keys(
                secrets, endpoints["outputs"], endpoints["stripe_api_url"], self._stripe_key
            )
            Signing(secrets, endpoints["outputs"], client).set_up(
                enabled_events=self._enabled_events or event_types()
            )
        except (stripe.StripeError, httpx.HTTPError) as error:
            raise LocalCloudError(f"The stand-in Stripe could not be set up: {error}") from error

    def _token(
        self,
        outputs: Mapping[str, str],
        scopes: Sequence[str],
        sub: str,
        *,
        seconds: int,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        prefix = f"paidonce-{self.stage}/"
        pool = output(outputs, "UserPoolId")
        said = {
            "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
            "audience": output(outputs, "MachineClientId"),
            "subject": sub,
            "scopes": [prefix + scope.removeprefix(prefix) for scope in scopes],
            "valid_seconds": seconds,
            "claims": dict(claims or {}),
        }
        token: str = self._control("POST", "token", said)["token"]
        return token

    def _control(self, method: str, name: str, body: object = None) -> dict[str, Any]:
        url = f"{self._servers.aws.url}/_paidonce/{name}"
        try:
            answer = httpx.request(method, url, json=body, timeout=30, trust_env=False)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise LocalCloudError(f"The embedded AWS did not do {name}: {error}") from error
        said: dict[str, Any] = answer.json()
        return said
