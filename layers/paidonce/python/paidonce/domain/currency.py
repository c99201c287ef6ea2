"""What Stripe can charge: its currencies, how their minor units go, and the least amount of each.

Source: https://docs.stripe.com/currencies (presentment currencies, special cases, minimums). A
currency that an account may not use is still refused by Stripe.
"""

from dataclasses import dataclass

from paidonce.domain.errors import InvalidRequest
from paidonce.domain.money import Money


@dataclass(frozen=True, kw_only=True)
class Currency:
    """`exponent`: digits after the point. Amounts are multiples of `step`, at least `least`."""

    exponent: int = 2
    step: int = 1
    least: int = 1


_TWO_DECIMALS = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny
cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr
jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn
nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl
thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw
"""
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
# The last digit must be 0: Stripe's partners settle two decimals.
_THREE_DECIMALS = "bhd jod kwd omr tnd"
# Have no decimals any more, but Stripe goes on taking two, which must be 00.
_TWO_EMPTY_DECIMALS = "isk ugx"

# Stripe documents the least charge for the currencies that it settles in; the others depend on the
# day's rate, so there Stripe alone can say.
_LEAST = {
    "aed": 200,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
}

CURRENCIES: dict[str, Currency] = {
    **{code: Currency(least=_LEAST.get(code, 1)) for code in _TWO_DECIMALS.split()},
    **{code: Currency(exponent=0, least=_LEAST.get(code, 1)) for code in _NO_DECIMALS.split()},
    **{code: Currency(exponent=3, step=10, least=10) for code in _THREE_DECIMALS.split()},
    **{code: Currency(step=100, least=100) for code in _TWO_EMPTY_DECIMALS.split()},
}


def chargeable(minor: int, currency: str) -> Money:
    """Money that Stripe can charge. Raises InvalidRequest that names the field and its limit."""
    rules = CURRENCIES.get(currency)
    if rules is None:
        raise _refused("currency", "must be a currency that Stripe charges in, such as usd")
    money = Money(minor, currency)
    if minor < rules.least:
        raise _refused("amount_minor", f"must be at least {rules.least} in {currency}")
    if minor % rules.step:
        raise _refused("amount_minor", f"must be a multiple of {rules.step} in {currency}")
    return money


def _refused(field: str, sentence: str) -> InvalidRequest:
    return InvalidRequest("The amount cannot be charged.", fields={field: sentence})
