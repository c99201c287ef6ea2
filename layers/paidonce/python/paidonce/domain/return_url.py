"""Where a page of Stripe's may lead back to."""

from collections.abc import Mapping

from paidonce.domain.errors import InvalidRequest

URL_LENGTH_MAX = 2000
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
# No user, no password, no blanks or quotes; braces are Stripe's ({CHECKOUT_SESSION_ID}).
URL_PATTERN = (
    rf"^(https://{_LABEL}(\.{_LABEL})*|http://(localhost|127\.0\.0\.1))"
    r"(:[1-9][0-9]{0,3})?([/?#][!#-;=?-\[\]_a-~]*)?$"
)


def refuse_plain_http(urls: Mapping[str, str], *, livemode: bool) -> None:
    """Raise InvalidRequest where a live stage would lead a shopper over plain HTTP.

    `urls` by field; each already fits URL_PATTERN, so plain HTTP is a developer's own machine.
    """
    plain = [name for name, url in urls.items() if url.startswith("http://")]
    if livemode and plain:
        raise InvalidRequest(
            "A live stage leads back over HTTPS only.",
            fields=dict.fromkeys(plain, "must begin with https:// in a live stage"),
        )
