"""What infra sets for the receiver, with a queue and a secret that moto makes."""

from tests.functions.as_lambda import ACCOUNT, REGION, environment_of

QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/paidonce-test-stripe-events"
SECRET_NAME = "paidonce/test/stripe/signing"

ENVIRONMENT = environment_of("receive_webhook") | {
    "AWS_REGION": REGION,
    "STRIPE_ACCOUNT": "",
    "EVENTS_QUEUE_URL": QUEUE_URL,
    "SIGNING_SECRET_ARN": SECRET_NAME,
    "SECRET_CACHE_SECONDS": "300",
    "SECRET_REFRESH_SECONDS": "60",
    "SIGNATURE_AGE_MAX_SECONDS": "300",
    "SIGNATURE_AHEAD_MAX_SECONDS": "60",
}
