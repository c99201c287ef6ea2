"""Where a local cloud is and what opens it, as endpoints.json tells any tool."""

from typing import TypedDict

# Every scope of the API without the pool's prefix.
SCOPES = (
    *("payments:read", "payments:write", "payments:any", "payments:amount"),
    *("refunds:read", "refunds:write"),
    *("customers:read", "customers:write", "customers:any"),
    *("subscriptions:read", "subscriptions:write", "subscriptions:any"),
)


class AwsOptions(TypedDict):
    """What `boto3.client` needs to reach the embedded AWS."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


class Endpoints(TypedDict):
    """What endpoints.json says, for any tool to read."""

    aws_endpoint_url: str
    region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    api_url: str
    webhook_url: str
    token_url: str
    stripe_api_url: str
    stripe_secret_key: str
    publishable_key: str
    token: str
    stage: str
    outputs: dict[str, str]
