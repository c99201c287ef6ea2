"""Currencies and the amounts that Stripe takes in them: docs.stripe.com/currencies."""

from local.stripe.errors import invalid

_AMOUNT_MAX = 99_999_999
# The smallest charge, in the currency's smallest unit.
_SMALLEST = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_OTHERS = [
    "afn",
    "all",
    "amd",
    "ang",
    "aoa",
    "ars",
    "awg",
    "azn",
    "bam",
    "bbd",
    "bdt",
    "bif",
    "bmd",
    "bnd",
    "bob",
    "bsd",
    "bwp",
    "byn",
    "bzd",
    "cdf",
    "clp",
    "cny",
    "cop",
    "crc",
    "cve",
    "djf",
    "dop",
    "dzd",
    "egp",
    "etb",
    "fjd",
    "fkp",
    "gel",
    "gip",
    "gmd",
    "gnf",
    "gtq",
    "gyd",
    "hnl",
    "htg",
    "idr",
    "ils",
    "isk",
    "jmd",
    "kes",
    "kgs",
    "khr",
    "kmf",
    "krw",
    "kyd",
    "kzt",
    "lak",
    "lbp",
    "lkr",
    "lrd",
    "lsl",
    "mad",
    "mdl",
    "mga",
    "mkd",
    "mmk",
    "mnt",
    "mop",
    "mro",
    "mur",
    "mvr",
    "mwk",
    "mzn",
    "nad",
    "ngn",
    "nio",
    "npr",
    "pab",
    "pen",
    "pgk",
    "php",
    "pkr",
    "pyg",
    "qar",
    "rsd",
    "rub",
    "rwf",
    "sar",
    "sbd",
    "scr",
    "shp",
    "sle",
    "sos",
    "srd",
    "std",
    "szl",
    "tjs",
    "top",
    "try",
    "ttd",
    "twd",
    "tzs",
    "uah",
    "ugx",
    "uyu",
    "uzs",
    "vnd",
    "vuv",
    "wst",
    "xaf",
    "xcd",
    "xof",
    "xpf",
    "yer",
    "zar",
    "zmw",
    "jod",
    "kwd",
    "bhd",
    "omr",
    "tnd",
]
CURRENCIES = (*_SMALLEST, *_OTHERS)
# Without a smaller unit.
_WHOLE = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def checked_currency(given: str, param: str = "currency") -> str:
    """The currency in small letters; 400 for one that Stripe does not know."""
    currency = given.lower()
    if currency not in CURRENCIES:
        raise invalid(
            f"Invalid currency: {given}. Stripe currently supports these currencies:"
            f" {', '.join(CURRENCIES)}",
            param=param,
        )
    return currency


def checked_amount(amount: int, currency: str, param: str = "amount") -> int:
    """An amount that can be charged; 400 for one too small or too large."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            param=param,
            code="parameter_invalid_integer",
        )
    smallest = _SMALLEST.get(currency, 1)
    if amount < smallest:
        raise invalid(
            f"Amount must be at least {shown(smallest, currency)}",
            param=param,
            code="amount_too_small",
        )
    if amount > _AMOUNT_MAX:
        raise invalid(
            f"Amount must be no more than {shown(_AMOUNT_MAX, currency)}",
            param=param,
            code="amount_too_large",
        )
    return amount


def shown(amount: int, currency: str) -> str:
    """An amount for people, as in Stripe's errors: `$0.50 usd`."""
    sign = _SIGNS.get(currency, "")
    number = f"{amount:,}" if currency in _WHOLE else f"{amount / 100:,.2f}"
    return f"{sign}{number} {currency}"
