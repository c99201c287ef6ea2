"""What infra sets for the receiver, with a queue and a secret that moto makes."""

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/paidonce-test-stripe-events"
SECRET_NAME = "paidonce/test/stripe/signing"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "STAGE": "test",
    "LIVEMODE": "false",
    "STRIPE_ACCOUNT": "",
    "POWERTOOLS_SERVICE_NAME": "receive_webhook",
    "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "EVENTS_QUEUE_URL": QUEUE_URL,
    "SIGNING_SECRET_ARN": SECRET_NAME,
    "SECRET_CACHE_SECONDS": "300",
    "SECRET_REFRESH_SECONDS": "60",
    "SIGNATURE_AGE_MAX_SECONDS": "300",
    "SIGNATURE_AHEAD_MAX_SECONDS": "60",
}
