"""Stripe's errors, as they go over the wire.

StripeError
├── invalid_request(...)   400 and friends: the request is wrong
├── card_error(...)        402: the card said no; what was recorded stays
└── Lost                   the connection is closed without an answer
"""

from typing import Any

from local.stripe.shapes import Json

DOCS = "https://stripe.com/docs/error-codes"
SUPPORT = "https://support.stripe.com/"


class StripeError(Exception):
    """An answer with `error` in it.

    `keeps_changes`: what the handler did stays (a declined charge is recorded).
    `stored`: an idempotency key remembers this answer; failed validation is not remembered.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        stored: bool = True,
        keeps_changes: bool = False,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.stored = stored
        self.keeps_changes = keeps_changes
        self.headers = headers or {}
        self.fields: Json = {name: value for name, value in fields.items() if value is not None}

    @property
    def code(self) -> str | None:
        """Stripe's `code`, when it has one."""
        code = self.fields.get("code")
        return code if isinstance(code, str) else None

    def body(self, request_id: str, account_id: str | None) -> Json:
        """The answer's JSON; keys in alphabetical order, as Stripe writes them."""
        error: Json = {**self.fields, "message": str(self), "type": self.kind}
        if self.code:
            error["doc_url"] = f"{DOCS}/{self.code.replace('_', '-')}"
        if account_id:
            place = f"https://dashboard.stripe.com/{account_id}/test/logs/{request_id}"
            error["request_log_url"] = place
        return {"error": dict(sorted(error.items()))}


class Lost(Exception):  # noqa: N818 - it is no error of ours but a fault that was asked for
    """The connection closes without an answer."""


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """400 for a parameter that cannot be: nothing began, so no idempotency key remembers it."""
    return StripeError(400, message, stored=False, param=param, code=code)


def refused(message: str, *, code: str | None = None, **fields: Any) -> StripeError:
    """400 for what this object's state does not allow."""
    return StripeError(400, message, code=code, **fields)


def missing(kind: str, object_id: object, param: str, *, status: int = 404) -> StripeError:
    """404 (400 for a parameter) for an id that leads nowhere."""
    return StripeError(
        status,
        f"No such {_SPOKEN.get(kind, kind)}: '{object_id}'",
        code="resource_missing",
        param=param,
    )


# What Stripe says in "No such …" where it is not the object's own name.
_SPOKEN = {
    "payment_method": "PaymentMethod",
    "checkout.session": "checkout.session",
    "test_helpers.test_clock": "billing clock",
    "radar.early_fraud_warning": "early fraud warning",
    "setup_intent": "setupintent",
    "promotion_code": "promotion code",
}


def unknown_url(method: str, path: str) -> StripeError:
    """404 for a path that is not Stripe's."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or"
        f" we can help at {SUPPORT}.",
        stored=False,
    )


def card_error(
    message: str, *, code: str, decline_code: str | None = None, **fields: Any
) -> StripeError:
    """402: the card's bank, or Radar, said no."""
    return StripeError(
        402,
        message,
        kind="card_error",
        keeps_changes=True,
        code=code,
        decline_code=decline_code,
        **fields,
    )
