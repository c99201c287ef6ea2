"""Is it Stripe? The check of a webhook's Stripe-Signature header.

The scheme is https://docs.stripe.com/webhooks#verify-manually: HMAC-SHA256 over `{t}.{body}` with
the whole `whsec_…` string as key. The SDK's own check is the oracle in our tests; importing it
would cost the receiver more than all of its other work.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.errors import SignatureInvalid

# Stripe signs with one `v1` for each live secret, two during a roll: a header is about 200 bytes.
HEADER_MAX_BYTES = 4096
SIGNATURES_MAX = 16
# Stripe's own default tolerance. A minute ahead is more than clocks kept by NTP ever differ.
AGE_MAX_SECONDS = 300
AHEAD_MAX_SECONDS = 60


class NoSecretFits(SignatureInvalid):
    """Header and time are in order, but no secret made any of the signatures: ours may be old."""


@dataclass(frozen=True)
class _Claim:
    """What a header claims: when it was signed (seconds since 1970), and its `v1` signatures."""

    timestamp: int
    signatures: tuple[bytes, ...]


def verify(
    header: str | None,
    body: bytes,
    *,
    secrets: Sequence[str],
    now: float,
    age_max_seconds: float = AGE_MAX_SECONDS,
    ahead_max_seconds: float = AHEAD_MAX_SECONDS,
) -> None:
    """Return only when one of the secrets signed exactly these bytes, lately.

    Raises NoSecretFits where other secrets might fit, otherwise SignatureInvalid; never anything
    else, whatever the header holds. The sentences repeat nothing of what came.
    """
    claim = _read(header)
    # Not subtracted: a header may claim a number that no float can hold.
    if claim.timestamp < now - age_max_seconds:
        raise SignatureInvalid("the signature is too old")
    if claim.timestamp > now + ahead_max_seconds:
        raise SignatureInvalid("the signature is from the future")
    signed = b"%d.%b" % (claim.timestamp, body)
    # Every pair is compared, so that the time taken does not tell which one fitted.
    fits = [
        hmac.compare_digest(expected, signature)
        for expected in [_sign(secret, signed) for secret in secrets if secret.strip()]
        for signature in claim.signatures
    ]
    if not any(fits):
        raise NoSecretFits("no signing secret of this endpoint made the signature")


def signed_header(body: bytes, *, secret: str, at: int) -> str:
    """The header that Stripe would send with these bytes; for our own test of a new secret."""
    return f"t={at},v1={_sign(secret, b'%d.%b' % (at, body)).decode('ascii')}"


def _sign(secret: str, signed: bytes) -> bytes:
    # A secret with half a surrogate pair is nobody's, but must not crash the check of the others.
    key = secret.encode("utf-8", "surrogatepass")
    return hmac.digest(key, signed, "sha256").hex().encode("ascii")


def _read(header: str | None) -> _Claim:
    """Read `t=…,v1=…[,v1=…]`; the first `t` counts, what else there is does not."""
    if not header:
        raise SignatureInvalid("the signature header is missing")
    if not header.isascii():
        raise SignatureInvalid("the signature header is not ASCII")
    if len(header) > HEADER_MAX_BYTES:
        raise SignatureInvalid("the signature header is too long")
    items = [item.split("=", 2) for item in header.split(",")]
    try:
        timestamp = int(next(item[1] for item in items if item[0] == "t"))
        signatures = [item[1].encode("ascii") for item in items if item[0] == "v1"]
    except (IndexError, StopIteration, ValueError):
        # Not chained: int's own sentence repeats what came.
        raise SignatureInvalid("the signature header cannot be read") from None
    if not signatures:
        raise SignatureInvalid("the signature header holds no v1 signature")
    return _Claim(timestamp, tuple(signatures[:SIGNATURES_MAX]))
