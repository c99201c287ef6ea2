"""API keys: which account they open, in which mode, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum

from local.stripe.errors import SUPPORT, StripeError

# Shorter ones are typing errors; Stripe's own are longer than this.
_LETTERS_MIN = 16


class KeyKind(StrEnum):
    """The three kinds of key, by their prefix."""

    SECRET = "sk"  # noqa: S105 - a prefix, not a secret
    RESTRICTED = "rk"
    PUBLISHABLE = "pk"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its text tells, with the permissions of a restricted one."""

    text: str
    kind: KeyKind
    livemode: bool
    permissions: frozenset[str] = frozenset()

    @property
    def family(self) -> str:
        """What a secret key and its publishable key share: mode and letters."""
        return self.text.split("_", 1)[1]

    @property
    def letters(self) -> str:
        """What the test and live keys of an account share here."""
        return self.text.split("_", 2)[2]

    @property
    def masked(self) -> str:
        """The key as Stripe shows it in errors."""
        return mask(self.text)


def mask(text: str) -> str:
    """A key with everything but its prefix and its last four letters hidden."""
    prefix, _, rest = text.rpartition("_")
    shown = f"{prefix}_" if prefix else ""
    return f"{shown}{'*' * max(len(rest) - 4, 0)}{rest[-4:]}"


def parse(text: str) -> ApiKey | None:
    """The key that a text is, or None when no key looks like it."""
    kind, _, rest = text.partition("_")
    mode, _, letters = rest.partition("_")
    if kind not in set(KeyKind) or mode not in {"test", "live"}:
        return None
    if len(letters) < _LETTERS_MIN or not letters.replace("_", "").isalnum():
        return None
    return ApiKey(text=text, kind=KeyKind(kind), livemode=mode == "live")


def not_given() -> StripeError:
    """401 for a request without a key."""
    return StripeError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization"
        " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See"
        " https://stripe.com/docs/api#authentication for details, or we can help at"
        f" {SUPPORT}.",
        stored=False,
        headers={"WWW-Authenticate": 'Basic realm="Stripe"'},
    )


def not_valid(text: str) -> StripeError:
    """401 for a key that opens nothing."""
    return StripeError(401, f"Invalid API Key provided: {mask(text)}", stored=False)


def expired(text: str) -> StripeError:
    """401 for a key that was rolled or expired."""
    return StripeError(
        401, f"Expired API Key provided: {mask(text)}", stored=False, code="api_key_expired"
    )
