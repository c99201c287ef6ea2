"""The HTTP that carries a delivery: one connection each, no redirects, no proxy."""

import httpx

# Stripe gives an endpoint about this long; its own documents name no number.
_TIMEOUT_SECONDS = 20.0
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
}


class Transport:
    """Posts bodies; one for the whole server."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, body: bytes, signature: str) -> tuple[int | None, str | None]:
        """The answer's status, or None and what went wrong."""
        try:
            answer = await self._open().post(
                url, content=body, headers={"Stripe-Signature": signature}
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return None, f"{type(error).__name__}: {error}"
        return answer.status_code, None

    async def close(self) -> None:
        """Closes what is open."""
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> httpx.AsyncClient:
        # Made late: the certificates that it loads cost a part of the start.
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers=_HEADERS,
                timeout=_TIMEOUT_SECONDS,
                follow_redirects=False,
                trust_env=False,
                # A kept connection that the receiver closed would look like a failed delivery.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._client
