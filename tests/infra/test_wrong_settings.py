"""Each wrong value of stages.toml has its sentence: the key, the value, what is allowed."""

import pytest

from tests.infra.sentences import sentence


@pytest.mark.parametrize(
    ("stage", "line", "found", "allowed"),
    [
        (
            "prod",
            'worker.timeout_seconds = "60"',
            'worker.timeout_seconds is "60"',
            "a whole number from 4 to 900",
        ),
        (
            "prod",
            "worker.timeout_seconds = true",
            "worker.timeout_seconds is true",
            "a whole number from 4 to 900",
        ),
        ("prod", "worker.tries_max = 1", "worker.tries_max is 1", "a whole number from 2 to 100"),
        (
            "prod",
            "worker.wait_delays_seconds = []",
            "worker.wait_delays_seconds is []",
            "a list of 1 or more, each a whole number from 0 to 900",
        ),
        (
            "prod",
            "worker.wait_delays_seconds = [5, 901]",
            "worker.wait_delays_seconds is [5, 901]",
            "a list of 1 or more, each a whole number from 0 to 900",
        ),
        ("prod", 'mode = "production"', 'mode is "production"', 'one of "live", "test"'),
        ("dev", 'enforce_ssl = "yes"', 'enforce_ssl is "yes"', "true or false"),
        (
            "dev",
            "retention.log_days = 15",
            "retention.log_days is 15",
            "one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827",
        ),
        (
            "dev",
            "retention.ledger_days = 30",
            "retention.ledger_days is 30",
            "a whole number from 90 to 3650",
        ),
        (
            "dev",
            'http.public_url = "http://127.0.0.1:4566/{api_id}"',
            'http.public_url is "http://127.0.0.1:4566/{api_id}"',
            '"" outside of local',
        ),
        (
            "prod",
            "receiver.secret_cache_seconds = 3600\nrotation.retire_after_seconds = 3600",
            "receiver.secret_cache_seconds is 3600",
            "less than 3600, rotation.retire_after_seconds",
        ),
        (
            "prod",
            'rotation.signing_schedule = "rate(4 hours)"',
            'rotation.signing_schedule is "rate(4 hours)"',
            "a schedule of Secrets Manager, cron(0 HOURS DAY MONTH WEEKDAY *)",
        ),
        (
            "prod",
            'access.operators = ["*"]',
            "access.operators is ['*']",
            "a list of 0 or more, each the ARN of a role or user, with * for any text",
        ),
        ("dev", "worker = 5", "worker is 5", "a table, [dev.worker]"),
        ("dev", 'account = "1234"', 'account is "1234"', '12 digits, or ""'),
        (
            "dev",
            'account = "000000000000"',
            'account is "000000000000"',
            '"000000000000" in local and nowhere else',
        ),
        (
            "local",
            'account = "111122223333"',
            'account is "111122223333"',
            '"000000000000" in local and nowhere else',
        ),
        ("dev", 'region = "frankfurt"', 'region is "frankfurt"', "a region, as in us-east-1"),
        (
            "prod",
            'stripe.api_url = "http://127.0.0.1:12111"',
            'stripe.api_url is "http://127.0.0.1:12111"',
            '"https://api.stripe.com"',
        ),
        (
            "local",
            'stripe.api_url = "https://stripe.example.com"',
            'stripe.api_url is "https://stripe.example.com"',
            '"https://api.stripe.com", or in local a loopback address, http://127.0.0.1:PORT',
        ),
        (
            "prod",
            'stripe.publishable_key = "pk_test_abc"',
            'stripe.publishable_key is "pk_test_abc"',
            'pk_live_… in live mode, or ""',
        ),
        (
            "dev",
            'stripe.publishable_key = "pk_live_abc"',
            'stripe.publishable_key is "pk_live_abc"',
            'pk_test_… in test mode, or ""',
        ),
        (
            "dev",
            'stripe.account = "123"',
            'stripe.account is "123"',
            'an account id, acct_…, or ""',
        ),
        (
            "dev",
            'stripe.api_version = "latest"',
            'stripe.api_version is "latest"',
            "a Stripe version, DATE.name",
        ),
        (
            "dev",
            'jwt.issuer = "http://id.example.com"',
            'jwt.issuer is "http://id.example.com"',
            '"cognito" or an https:// address',
        ),
        (
            "dev",
            'jwt.issuer = "https://id.example.com"',
            "jwt.audience is []",
            "at least one audience with an issuer of your own",
        ),
        ("dev", 'jwt.audience = ["shop"]', "jwt.audience is ['shop']", '[] with issuer "cognito"'),
        (
            "dev",
            'http.cors_origins = ["*"]',
            "http.cors_origins is ['*']",
            (
                "a list of 0 or more, each an origin, https://… or http://localhost:PORT,"
                " without a path"
            ),
        ),
        (
            "dev",
            'http.domain_name = "pay.example.com"',
            'http.certificate_arn is ""',
            '"" if and only if http.domain_name is ""',
        ),
        (
            "dev",
            'alarms.email = "somebody"',
            'alarms.email is "somebody"',
            'an e-mail address, or ""',
        ),
        (
            "prod",
            "worker.visibility_seconds = 359",
            "worker.visibility_seconds is 359",
            "360 or more, 6 times worker.timeout_seconds",
        ),
        (
            "prod",
            "consumers.visibility_seconds = 179",
            "consumers.visibility_seconds is 179",
            "180 or more, 6 times consumers.timeout_seconds",
        ),
        (
            "prod",
            "fraud_warnings.refund_up_to_minor = -1",
            "fraud_warnings.refund_up_to_minor is -1",
            "a whole number from 0 to 99999999",
        ),
        (
            "prod",
            "worker.fetch_timeout_seconds = 16",
            "worker.fetch_timeout_seconds is 16",
            "at most 15, a quarter of worker.timeout_seconds",
        ),
        (
            "prod",
            "payments_api.request_deadline_seconds = 28",
            "payments_api.request_deadline_seconds is 28",
            "less than 28, payments_api.timeout_seconds",
        ),
        (
            "prod",
            "payments_api.call_timeout_seconds = 23",
            "payments_api.call_timeout_seconds is 23",
            "at most 22, payments_api.request_deadline_seconds",
        ),
        (
            "prod",
            "retention.dead_letter_days = 4",
            "retention.dead_letter_days is 4",
            "more than 4, retention.queue_days",
        ),
        ("prod", 'removal = "destroy"', 'removal is "destroy"', '"retain" in live mode'),
        (
            "local",
            'mode = "live"',
            'stripe.publishable_key is "pk_test_paidonceStandIn1"',
            'pk_live_… in live mode, or ""',
        ),
        ("prod", "enforce_ssl = false", "enforce_ssl is false", "true outside of local"),
        (
            "prod",
            'runtime.python = "host"',
            'runtime.python is "host"',
            '"host" if and only if the architecture is',
        ),
        (
            "dev",
            "budgets.api_per_second = 13",
            "budgets is 26",
            "at most 25 calls a second in all in test mode",
        ),
        (
            "local",
            "runtime.snap_start = true",
            "runtime.snap_start is true",
            "false before Python 3.12 and on host",
        ),
    ],
)
def test_a_wrong_value_stops_with_one_sentence(
    stage: str, line: str, found: str, allowed: str
) -> None:
    assert sentence(stage, line) == f"stages.toml: {stage}.{found}; allowed is {allowed}."


def test_an_unknown_key_is_named_with_the_one_that_may_be_meant() -> None:
    assert sentence("dev", "breaker.probe_second = 2") == (
        "stages.toml: dev.breaker.probe_second is unknown, perhaps probe_seconds is"
        " meant; allowed are probe_seconds."
    )
    assert sentence("dev", "wroker.timeout_seconds = 60").startswith(
        "stages.toml: dev.wroker is unknown, perhaps worker is meant; allowed are name, account,"
    )
    assert sentence("dev", 'name = "other"') == (
        "stages.toml: dev.name is unknown; a stage's name is its table's."
    )
