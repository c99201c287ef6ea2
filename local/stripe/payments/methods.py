"""Makes payment methods: from test cards by name, token or number, and from bank accounts."""

from local.stripe.accounts import Account
from local.stripe.errors import StripeError, invalid, missing
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments import cards
from local.stripe.payments.cards import TestCard
from local.stripe.shapes import Json, clone
from local.stripe.spec.skeletons import skeleton

_DIGITS_MIN = 12
_MONTHS = 12
_EMPTY_ADDRESS = {
    "city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None,
}  # fmt: skip


def usable(account: Account, given: str, param: str = "payment_method") -> Json:
    """The payment method that an id means; `pm_card_…` makes a new one, as at Stripe."""
    card = cards.by_name(given, "pm_card_")
    if card is not None:
        return from_card(account, card, {})
    present = account.store.find("payment_method", given)
    if present is None:
        raise missing("payment_method", given, param, status=400)
    return present


def made(account: Account, params: Json, prefix: str = "") -> Json:
    """A payment method from `type` and its hash."""
    kind = params.get("type")
    if kind is None:
        name = f"{prefix}[type]" if prefix else "type"
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    if kind == "card":
        return _from_card_params(account, params, prefix)
    if kind in {"sepa_debit", "us_bank_account", "customer_balance", "link"}:
        return _from_bank(account, params, kind)
    raise invalid(
        f"The payment method type provided: {kind} is invalid. Please ensure the provided type is"
        " activated in your dashboard (https://dashboard.stripe.com/account/payments/settings) and"
        " your account is enabled for any preview features that you are trying to use.",
        param="type",
    )


def from_card(account: Account, card: TestCard, params: Json) -> Json:
    """A card payment method, kept in the account."""
    given = params.get("card") if isinstance(params.get("card"), dict) else {}
    method = _bare(account, params, "card")
    method["_number"] = card.number
    method["card"] = {
        "brand": card.brand,
        "checks": {
            "address_line1_check": _check(card.address_check, params, "line1"),
            "address_postal_code_check": _check(card.address_check, params, "postal_code"),
            "cvc_check": "unchecked",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": (given or {}).get("exp_month", _MONTHS),
        "exp_year": (given or {}).get("exp_year", _year(account) + 1),
        "fingerprint": fingerprint(card.number),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.authentication != "never"},
        "wallet": None,
    }
    return account.store.add(method)


def card_of(method: Json) -> TestCard | None:
    """The test card behind a payment method; None for a bank account."""
    number = method.get("_number")
    if number is None:
        return None
    return cards.BY_NUMBER.get(number) or TestCard(number)


def _year(account: Account) -> int:
    # Seconds of a mean year are exact enough for an expiry date.
    return 1970 + account.clock.now() // 31_556_952


def fingerprint(number: str) -> str:
    """The same number has the same fingerprint, in sixteen letters as Stripe's."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    value = int(number) * 2_654_435_761
    letters = []
    for _ in range(16):
        value, place = divmod(value, len(alphabet))
        letters.append(alphabet[place])
        value += place * 7919 * 10**9
    return "".join(letters)


def _check(result: str, params: Json, field: str) -> str | None:
    address = (params.get("billing_details") or {}).get("address") or {}
    return result if address.get(field) else None


def _from_card_params(account: Account, params: Json, prefix: str) -> Json:
    given = params.get("card")
    param = f"{prefix}[card]" if prefix else "card"
    if not isinstance(given, dict):
        raise invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    token = given.get("token")
    if token is not None:
        card = cards.by_name(token, "tok_") or _stored_token(account, token)
        if card is None:
            raise missing("token", token, f"{param}[token]", status=400)
        return from_card(account, card, {**params, "card": {}})
    number = str(given.get("number", ""))
    check_number(number, given, account, param)
    card = cards.BY_NUMBER.get(number) or TestCard(number)
    return from_card(account, card, params)


def _stored_token(account: Account, token: str) -> TestCard | None:
    """The card of a token that `POST /v1/tokens` made."""
    stored = account.store.find("token", token)
    if stored is None:
        return None
    number = stored["_number"]
    return cards.BY_NUMBER.get(number) or TestCard(number)


def check_number(number: str, given: Json, account: Account, param: str) -> None:
    """402 for a number, month or year that no card has."""
    if not number:
        name = f"{param}[number]"
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    if not number.isdecimal() or len(number) < _DIGITS_MIN:
        raise _wrong("The card number is not a valid credit card number.", "invalid_number", param)
    if not cards.passes_check_digit(number):
        raise _wrong("Your card number is incorrect.", "incorrect_number", f"{param}[number]")
    month, year = given.get("exp_month", _MONTHS), given.get("exp_year", _year(account) + 1)
    if not 1 <= month <= _MONTHS:
        text = "Your card's expiration month is invalid."
        raise _wrong(text, "invalid_expiry_month", f"{param}[exp_month]")
    if year < _year(account):
        text = "Your card's expiration year is invalid."
        raise _wrong(text, "invalid_expiry_year", f"{param}[exp_year]")


def _wrong(message: str, code: str, param: str) -> StripeError:
    return StripeError(402, message, kind="card_error", code=code, param=param)


def _bare(account: Account, params: Json, kind: str) -> Json:
    """A payment method without what its type adds."""
    details = params.get("billing_details") or {}
    address = {**_EMPTY_ADDRESS, **(details.get("address") or {})}
    method = skeleton(
        "payment_method",
        id=new_id("payment_method"),
        allow_redisplay=params.get("allow_redisplay", "unspecified"),
        billing_details={
            "address": address,
            "email": details.get("email"),
            "name": details.get("name"),
            "phone": details.get("phone"),
            "tax_id": None,
        },
        created=account.clock.now(),
        livemode=account.livemode,
        metadata=params.get("metadata") or {},
        type=kind,
    )
    method["_authenticated"] = False
    return method


def _from_bank(account: Account, params: Json, kind: str) -> Json:
    method = _bare(account, params, kind)
    given = params.get(kind) or {}
    if kind == "sepa_debit":
        iban = str(given.get("iban", "")).replace(" ", "")
        if not iban:
            name = "sepa_debit[iban]"
            raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
        method["_iban"] = iban
        method["sepa_debit"] = {
            "bank_code": iban[4:9],
            "branch_code": "",
            "country": iban[:2],
            "fingerprint": random_letters(16),
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": iban[-4:],
        }
    else:
        method[kind] = clone(given) if kind != "link" else {"email": None}
    return account.store.add(method)
