"""Money in minor units: an integer and a currency, wrong values impossible to build."""

import re
from dataclasses import dataclass

from paidonce.domain.errors import InvalidRequest

# Stripe takes at most eight digits in most currencies (docs: "Supported currencies", amounts).
AMOUNT_MINOR_MAX = 99_999_999
# ISO 4217, in lower case as Stripe writes it.
_CURRENCY = re.compile(r"[a-z]{3}", re.ASCII)


@dataclass(frozen=True)
class Money:
    """An amount that can be charged: 1 to 99,999,999 minor units of one currency.

    `currency` is a lower-case ISO 4217 code. Raises InvalidRequest when either is not so.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not money."""
        if type(self.minor) is not int or not 1 <= self.minor <= AMOUNT_MINOR_MAX:
            raise InvalidRequest(
                f"amount_minor must be a whole number from 1 to {AMOUNT_MINOR_MAX}",
                fields={"amount_minor": f"a whole number from 1 to {AMOUNT_MINOR_MAX}"},
            )
        if not _CURRENCY.fullmatch(self.currency):
            raise InvalidRequest(
                "currency must be a three-letter code in lower case, such as usd",
                fields={"currency": "a three-letter code in lower case"},
            )
