"""Show customers and subscriptions to those who may see them."""

from dataclasses import dataclass

from paidonce.domain.caller import ANY_SUBSCRIPTION, Caller
from paidonce.domain.customer import Customer
from paidonce.domain.errors import NotFound
from paidonce.domain.subscription import Subscription
from paidonce.use_cases.make_customer import customer_seen_by
from paidonce.use_cases.request_books import RequestBooks


@dataclass(frozen=True, kw_only=True)
class ReadBilling:
    """Consistent reads of single items; what is another's is not there."""

    requests: RequestBooks

    def customer(self, customer_id: str, *, caller: Caller) -> Customer:
        """The customer; raises NotFound, TryAgain."""
        return customer_seen_by(caller, self.requests.get(customer_id, Customer))

    def subscription(self, subscription_id: str, *, caller: Caller) -> Subscription:
        """The subscription; raises NotFound, TryAgain."""
        return subscription_seen_by(caller, self.requests.get(subscription_id, Subscription))


def subscription_seen_by(caller: Caller, found: Subscription | None) -> Subscription:
    """The subscription, if it is there for the caller; raises NotFound."""
    if found is None or not caller.sees(found.user_id, of_any=ANY_SUBSCRIPTION):
        raise NotFound("There is no such subscription.")
    return found
