"""Who asks, and what they may see and do."""

from dataclasses import dataclass

from paidonce.domain.errors import Forbidden
from paidonce.domain.fingerprint import fingerprint

READ_PAYMENTS = "payments:read"
WRITE_PAYMENTS = "payments:write"
# To name an amount instead of prices: a shopper with this scope could pay what they like.
NAME_AMOUNTS = "payments:amount"
# To see and pay for every user: a shop's own server, not a shopper.
ANY_PAYMENT = "payments:any"
READ_REFUNDS = "refunds:read"
WRITE_REFUNDS = "refunds:write"
READ_CUSTOMERS = "customers:read"
WRITE_CUSTOMERS = "customers:write"
ANY_CUSTOMER = "customers:any"
READ_SUBSCRIPTIONS = "subscriptions:read"
WRITE_SUBSCRIPTIONS = "subscriptions:write"
ANY_SUBSCRIPTION = "subscriptions:any"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """`issuer` and `subject` of a verified JWT, scopes without the stage's prefix, and a user.

    `user_id` is what the stage's user claim says; None for a program that acts for no one user.
    """

    issuer: str
    subject: str
    user_id: str | None
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """True when the token carries this scope."""
        return scope in self.scopes

    def must(self, *scopes: str) -> None:
        """Raise Forbidden for the first scope that the token lacks."""
        for scope in scopes:
            if not self.may(scope):
                raise Forbidden(f"This needs the scope {scope}.")

    def sees(self, user_id: str | None, *, of_any: str = ANY_PAYMENT) -> bool:
        """Is an object of this user there for the caller? What belongs to nobody is nobody's.

        `of_any` is the scope to which every user's is.
        """
        return self.may(of_any) or (user_id is not None and user_id == self.user_id)

    def user_for(self, asked: str | None) -> str | None:
        """The user to act for: the one asked for (which needs `payments:any`), or the caller's own.

        Raises Forbidden.
        """
        if asked is None:
            return self.user_id
        self.must(ANY_PAYMENT)
        return asked

    @property
    def fingerprint(self) -> str:
        """A name for the caller that gives nothing away, for counters."""
        return fingerprint(self.issuer, self.subject)[:32]
