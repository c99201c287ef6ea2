"""The `Stripe-Signature` header: docs.stripe.com/webhooks#verify-manually."""

import hashlib
import hmac


def header(body: bytes, secrets: list[str], timestamp: int) -> str:
    """`t=…,v1=…`, with one `v1` for each secret that is live during a roll."""
    signed = b"%d.%b" % (timestamp, body)
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])
