"""The use cases of customers and subscriptions, made of what they share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.entitlement import view_of
from paidonce.domain.subscription import Subscription
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.change_subscription import ChangeSubscription
from paidonce.use_cases.make_customer import MakeCustomer
from paidonce.use_cases.open_checkout import OpenCheckout
from paidonce.use_cases.open_portal import OpenPortal
from paidonce.use_cases.read_billing import ReadBilling
from paidonce.use_cases.subscribe import Subscribe
from paidonce.use_cases.take_payment import TakePayment


@dataclass(frozen=True, kw_only=True)
class Billing:
    """`livemode`: whether the stage takes real money, and so leads nobody over plain HTTP.

    `shown`: a subscription as it stands at this moment, under the stage's policy.
    """

    make_customer: MakeCustomer
    open_portal: OpenPortal
    open_checkout: OpenCheckout
    subscribe: Subscribe
    change_subscription: ChangeSubscription
    read_billing: ReadBilling
    livemode: bool
    shown: Callable[[Subscription], Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        carry_out: CarryOut,
        *,
        take_payment: TakePayment,
        check_key: Callable[[], object],
    ) -> "Billing":
        """All of them over the same ports; `check_key` raises while there is no key."""
        return cls(
            make_customer=MakeCustomer(carry_out=carry_out, check_key=check_key),
            open_portal=OpenPortal(carry_out=carry_out, check_key=check_key),
            open_checkout=OpenCheckout(take_payment=take_payment, gateway=carry_out.gateway),
            subscribe=Subscribe(carry_out=carry_out, check_key=check_key),
            change_subscription=ChangeSubscription(carry_out=carry_out, check_key=check_key),
            read_billing=ReadBilling(requests=carry_out.requests),
            livemode=carry_out.stage.livemode,
            shown=lambda row: view_of(
                row, policy=carry_out.stage.policy, now=carry_out.clock.now()
            ),
        )
