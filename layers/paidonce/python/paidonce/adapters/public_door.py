"""The stage's own public URL, asked as anybody on the internet asks it."""

import requests


class HttpDoor:
    """The port `PublicDoor`: no redirects, as Stripe follows none, and no proxy."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds

    def deliver(self, url: str, body: bytes, *, signature: str) -> int | None:
        """See `PublicDoor.deliver`."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(
                    url,
                    data=body,
                    headers={"Stripe-Signature": signature, "Content-Type": "application/json"},
                    timeout=self._timeout_seconds,
                    allow_redirects=False,
                )
            except requests.RequestException:
                # Not kept: its text may hold the address, and there is nothing else to learn.
                return None
        return answer.status_code
