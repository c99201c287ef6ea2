"""The tables of a stage in stages.toml, and what each of their values may be."""

import dataclasses
import json
import platform
import sys
from typing import Annotated

from infra.allowed import Flag, Listed, OneOf, Text, Whole

STRIPE_API_URL = "https://api.stripe.com"
DAY_SECONDS = 86_400
# What CloudWatch Logs accepts as retention.
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827)

_WEB = r"(https://[^\s/]+|http://localhost(:\d+)?)"
_ORIGIN = Text(_WEB, "an origin, https://… or http://localhost:PORT, without a path")
_PAGE = Text(rf"{_WEB}/\S*", "an address with a path, https://…/… or http://localhost:PORT/…")
_EMAIL = Text(r"([^@\s]+@[^@\s]+\.[^@\s]+)?", 'an e-mail address, or ""')
_MEMORY = Whole(128, 10_240)
_CACHE = Whole(1, 3_600)
# SQS delays a message 900 s at most and hides one 12 h at most.
_DELAYS = Listed(Whole(0, 900), at_least=1)
_HIDES = Listed(Whole(0, 43_200), at_least=1)
_SECONDS = Whole(1, 7 * DAY_SECONDS)
# Minutes are 0: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
_SCHEDULE = Text(
    r"cron\(0 [\d,*/-]+ [\dL?,*/-]+ [\w,*/-]+ [\w?#,*/-]+ \*\)",
    "a schedule of Secrets Manager, cron(0 HOURS DAY MONTH WEEKDAY *)",
)
_RATE = Text(r"rate\(([2-9]|[1-9]\d+) minutes\)|rate\(1 (minute|hour)\)", "rate(NUMBER minutes)")
_PRINCIPAL = Text(
    r"arn:aws[\w-]*:iam::(\d{12}|\*):(role|user|root)\S*",
    "the ARN of a role or user, with * for any text",
)
_CALLS = Whole(1, 100)
_COUNT = Whole(1, 100_000)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runtime:
    """What the functions run on."""

    architecture: Annotated[str, OneOf("arm64", "x86_64", "host")]
    python: Annotated[str, OneOf("3.11", "3.12", "3.13", "3.14", "host")]
    snap_start: Annotated[bool, Flag()]
    log_level: Annotated[str, OneOf("DEBUG", "INFO")]

    @property
    def on_host(self) -> bool:
        """True when functions run on the machine that deploys, as on the embedded AWS."""
        return self.architecture == "host"

    @property
    def lambda_architecture(self) -> str:
        """The name that Lambda has for it."""
        if not self.on_host:
            return self.architecture
        return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"

    @property
    def lambda_python(self) -> str:
        """The version, as in "3.14"."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return here if self.python == "host" else self.python


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retention:
    """How long things are kept, in days."""

    log_days: Annotated[int, OneOf(*LOG_DAYS)]
    ledger_days: Annotated[int, Whole(90, 3_650)]
    foreign_pointer_days: Annotated[int, Whole(1, 365)]
    queue_days: Annotated[int, Whole(1, 14)]
    dead_letter_days: Annotated[int, Whole(1, 14)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stripe:
    """The Stripe account, or sandbox, of this stage."""

    api_url: Annotated[
        str,
        Text(
            r"https://api\.stripe\.com|https?://(127\.0\.0\.1|localhost):\d{1,5}",
            f'"{STRIPE_API_URL}", or in local a loopback address, http://127.0.0.1:PORT',
        ),
    ]
    api_version: Annotated[str, Text(r"\d{4}-\d\d-\d\d\.[a-z]+", "a Stripe version, DATE.name")]
    account: Annotated[str, Text(r"(acct_\w+)?", 'an account id, acct_…, or ""')]
    publishable_key: Annotated[
        str, Text(r"(pk_(live|test)_\w+)?", 'a publishable key, pk_live_… or pk_test_…, or ""')
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Jwt:
    """Whose tokens the API accepts."""

    issuer: Annotated[str, Text(r"cognito|https://\S+", '"cognito" or an https:// address')]
    audience: Annotated[tuple[str, ...], Listed(Text(r"\S+", "a text without spaces"))]
    user_claim: Annotated[str, Text(r"[A-Za-z_][\w:./-]*", "the name of a claim")]
    self_sign_up: Annotated[bool, Flag()]
    callback_urls: Annotated[tuple[str, ...], Listed(_PAGE)]

    @property
    def own_pool(self) -> bool:
        """True when the stage makes its own Cognito user pool."""
        return self.issuer == "cognito"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Http:
    """The way in."""

    cors_origins: Annotated[tuple[str, ...], Listed(_ORIGIN)]
    public_url: Annotated[
        str,
        Text(
            r"(http://127\.0\.0\.1:\d{1,5}/[\w/.$-]*\{api_id\}[\w/.$-]*)?",
            'a loopback address with {api_id} in it, or ""',
        ),
    ]
    domain_name: Annotated[
        str, Text(r"([a-z0-9-]+(\.[a-z0-9-]+)+)?", 'a domain in lower case, or ""')
    ]
    certificate_arn: Annotated[
        str, Text(r"(arn:[\w-]+:acm:\S+)?", 'the ARN of an ACM certificate, or ""')
    ]
    rate_per_second: Annotated[int, _COUNT]
    burst: Annotated[int, _COUNT]
    webhook_rate_per_second: Annotated[int, _COUNT]
    webhook_burst: Annotated[int, _COUNT]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Receiver:
    """receive_webhook."""

    timeout_seconds: Annotated[int, Whole(3, 20)]
    memory_mb: Annotated[int, _MEMORY]
    signature_age_max_seconds: Annotated[int, Whole(1, 3_600)]
    signature_ahead_max_seconds: Annotated[int, Whole(1, 3_600)]
    secret_cache_seconds: Annotated[int, _CACHE]
    secret_refresh_seconds: Annotated[int, _CACHE]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """apply_event and its queue."""

    timeout_seconds: Annotated[int, Whole(4, 900)]
    memory_mb: Annotated[int, _MEMORY]
    concurrency_max: Annotated[int, Whole(2, 1_000)]
    visibility_seconds: Annotated[int, Whole(1, 43_200)]
    tries_max: Annotated[int, Whole(2, 100)]
    secret_cache_seconds: Annotated[int, _CACHE]
    wait_delays_seconds: Annotated[tuple[int, ...], _DELAYS]
    not_yet_known_max_seconds: Annotated[int, _SECONDS]
    try_again_max_seconds: Annotated[int, _SECONDS]
    failing_delays_seconds: Annotated[tuple[int, ...], _HIDES]
    fetch_timeout_seconds: Annotated[int, Whole(1, 60)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PaymentsApi:
    """payments_api."""

    timeout_seconds: Annotated[int, Whole(1, 29)]
    memory_mb: Annotated[int, _MEMORY]
    secret_cache_seconds: Annotated[int, _CACHE]
    request_deadline_seconds: Annotated[int, Whole(1, 28)]
    call_timeout_seconds: Annotated[int, Whole(1, 28)]
    shopper_payments_per_minute: Annotated[int, Whole(1, 10_000)]
    answers_kept_seconds: Annotated[int, _SECONDS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budgets:
    """Who may call Stripe how often."""

    api_per_second: Annotated[int, _CALLS]
    worker_per_second: Annotated[int, _CALLS]
    reconcile_per_second: Annotated[int, _CALLS]
    probe_per_second: Annotated[int, _CALLS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alarms:
    """When somebody is told, and who."""

    email: Annotated[str, _EMAIL]
    pages_email: Annotated[str, _EMAIL]
    oldest_message_seconds: Annotated[int, _SECONDS]
    receiver_p99_ms: Annotated[int, Whole(1, 20_000)]
    receiver_errors: Annotated[int, _COUNT]
    processor_errors: Annotated[int, _COUNT]
    api_5xx: Annotated[int, _COUNT]
    signature_refused: Annotated[int, _COUNT]
    throttles: Annotated[int, _COUNT]
    stripe_throttles: Annotated[int, _COUNT]
    payment_failures_percent: Annotated[int, Whole(1, 100)]
    payments_floor: Annotated[int, _COUNT]
    foreign_events: Annotated[int, _COUNT]
    reconcile_must_run: Annotated[bool, Flag()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operations:
    """run_operation: calls whose outcome is unknown."""

    key_fresh_seconds: Annotated[int, Whole(1, DAY_SECONDS - 1)]
    look_back_seconds: Annotated[int, _SECONDS]
    absent_after_seconds: Annotated[int, _SECONDS]
    give_up_after_seconds: Annotated[int, _SECONDS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breaker:
    """A key that Stripe refuses."""

    probe_seconds: Annotated[int, _SECONDS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Catalogue:
    """How long prices are taken from a cache."""

    memory_seconds: Annotated[int, Whole(1, 3_600)]
    shared_seconds: Annotated[int, Whole(1, 86_400)]
    unknown_seconds: Annotated[int, Whole(1, 3_600)]
    claim_seconds: Annotated[int, Whole(1, 60)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subscriptions:
    """Which subscriptions are ours, and which may be used."""

    adopt: Annotated[bool, Flag()]
    grace_days: Annotated[int, Whole(0, 90)]
    unpaid_may_use: Annotated[bool, Flag()]
    paused_may_use: Annotated[bool, Flag()]

    @property
    def policy(self) -> str:
        """What functions have to know of it, as one variable of their environment (JSON)."""
        return json.dumps(
            {
                "grace_days": self.grace_days,
                "unpaid": self.unpaid_may_use,
                "paused": self.paused_may_use,
            }
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Publishing:
    """publish_changes."""

    timeout_seconds: Annotated[int, Whole(10, 900)]
    memory_mb: Annotated[int, _MEMORY]
    due_after_seconds: Annotated[int, _SECONDS]
    # Lambda takes no less than a minute, and a stream remembers a day.
    stream_age_max_seconds: Annotated[int, Whole(60, DAY_SECONDS)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verification:
    """The comparison of our books with Stripe's, by the operator and by reconcile."""

    settle_seconds: Annotated[int, _SECONDS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Consumers:
    """notify and other consumers of the bus."""

    timeout_seconds: Annotated[int, Whole(1, 900)]
    memory_mb: Annotated[int, _MEMORY]
    concurrency_max: Annotated[int, Whole(2, 1_000)]
    visibility_seconds: Annotated[int, Whole(1, 43_200)]
    tries_max: Annotated[int, Whole(2, 100)]
    # Longer than a dead letter can lie and then be moved back.
    remembered_days: Annotated[int, Whole(19, 365)]
    back_office_email: Annotated[str, _EMAIL]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FraudWarnings:
    """What a fraud warning leads to."""

    # Eight digits are the most that Stripe takes in most currencies.
    refund_up_to_minor: Annotated[int, Whole(0, 99_999_999)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rotation:
    """rotate_secret and retire_endpoints."""

    signing_schedule: Annotated[str, _SCHEDULE]
    keys_schedule: Annotated[str, _SCHEDULE]
    key_age_max_days: Annotated[int, Whole(1, 365)]
    timeout_seconds: Annotated[int, Whole(30, 900)]
    memory_mb: Annotated[int, _MEMORY]
    call_timeout_seconds: Annotated[int, Whole(1, 60)]
    retire_after_seconds: Annotated[int, _SECONDS]
    retire_schedule: Annotated[str, _RATE]
    late_after_seconds: Annotated[int, _SECONDS]
    overdue_after_seconds: Annotated[int, Whole(1, 400 * DAY_SECONDS)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Access:
    """Who beside the functions may see and change what is in the secrets."""

    operators: Annotated[tuple[str, ...], Listed(_PRINCIPAL)]
    tells_of_strangers: Annotated[bool, Flag()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reconcile:
    """reconcile."""

    schedule: Annotated[str, _RATE]
    timeout_seconds: Annotated[int, Whole(30, 900)]
    memory_mb: Annotated[int, _MEMORY]
    call_timeout_seconds: Annotated[int, Whole(1, 60)]
    pages_max: Annotated[int, Whole(1, 10_000)]
    missing_after_seconds: Annotated[int, _SECONDS]
    all_every_seconds: Annotated[int, Whole(60, 30 * DAY_SECONDS)]
    stale_after_seconds: Annotated[int, _SECONDS]
    stale_rows_max: Annotated[int, Whole(1, 10_000)]
    unpaid_max_seconds: Annotated[int, Whole(10, 90 * DAY_SECONDS)]
    processing_max_seconds: Annotated[int, Whole(10, 90 * DAY_SECONDS)]
    open_payments_max: Annotated[int, Whole(1, 10_000)]
    compare_window_seconds: Annotated[int, _SECONDS]
    compare_back_seconds: Annotated[int, Whole(60, 30 * DAY_SECONDS)]
