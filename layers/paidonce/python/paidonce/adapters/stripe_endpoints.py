"""Our webhook endpoints at Stripe, by the restricted key that may write them.

https://docs.stripe.com/api/webhook_endpoints
"""

from collections.abc import Mapping, Sequence
from typing import Any

from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.domain.errors import StripeRefused
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.rotation_ports import WebhookEndpoint

_PATH = "/v1/webhook_endpoints"
_ONE = "/v1/webhook_endpoints/{id}"
_NOT_FOUND = 404


class StripeWebhookEndpoints:
    """The port `WebhookEndpoints`. `api_version` is what the endpoints are pinned to."""

    def __init__(self, gateway: StripeSdkGateway, *, api_version: str) -> None:
        self._gateway = gateway
        self._api_version = api_version

    def create(
        self,
        *,
        url: str,
        event_types: Sequence[str],
        metadata: Mapping[str, str],
        idempotency_key: str,
        time_left: TimeLeft,
    ) -> WebhookEndpoint:
        """See `WebhookEndpoints.create`."""
        made = self._gateway.send(
            StripeCall(
                kind="endpoint",
                idempotency_key=idempotency_key,
                path=_PATH,
                params={
                    "url": url,
                    "enabled_events": list(event_types),
                    "metadata": dict(metadata),
                    "api_version": self._api_version,
                },
            ),
            time_left=time_left,
        )
        return _read(made.seen.object)

    def all(self, *, time_left: TimeLeft) -> Sequence[WebhookEndpoint]:
        """See `WebhookEndpoints.all`."""
        found = self._gateway.listed("webhook_endpoint", created_from=None, time_left=time_left)
        return [_read(one) for one in found]

    def subscribe(
        self,
        endpoint_id: str,
        event_types: Sequence[str],
        *,
        idempotency_key: str,
        time_left: TimeLeft,
    ) -> None:
        """See `WebhookEndpoints.subscribe`."""
        params = {"enabled_events": list(event_types), "disabled": False}
        self._change(endpoint_id, params, idempotency_key, time_left)

    def disable(self, endpoint_id: str, *, time_left: TimeLeft) -> None:
        """See `WebhookEndpoints.disable`."""
        try:
            self._change(endpoint_id, {"disabled": True}, f"whe_off_{endpoint_id}", time_left)
        except StripeRefused as error:
            _raise_unless_gone(error)

    def delete(self, endpoint_id: str, *, time_left: TimeLeft) -> None:
        """See `WebhookEndpoints.delete`."""
        call = StripeCall(
            kind="endpoint_delete",
            method="delete",
            idempotency_key="",
            path=_ONE,
            object_id=endpoint_id,
            params={},
        )
        try:
            self._gateway.send(call, time_left=time_left)
        except StripeRefused as error:
            _raise_unless_gone(error)

    def _change(
        self, endpoint_id: str, params: Mapping[str, Any], idempotency_key: str, time_left: TimeLeft
    ) -> None:
        self._gateway.send(
            StripeCall(
                kind="endpoint_change",
                idempotency_key=idempotency_key,
                path=_ONE,
                object_id=endpoint_id,
                params=params,
            ),
            time_left=time_left,
        )


def _raise_unless_gone(error: StripeRefused) -> None:
    if error.http_status != _NOT_FOUND:
        raise error


def _read(endpoint: Mapping[str, Any]) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=endpoint["id"],
        url=endpoint["url"],
        event_types=tuple(endpoint["enabled_events"]),
        is_enabled=endpoint["status"] == "enabled",
        created=endpoint["created"],
        api_version=endpoint.get("api_version"),
        metadata=dict(endpoint.get("metadata") or {}),
        secret=endpoint.get("secret"),
    )
