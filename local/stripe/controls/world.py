"""What the controls work on: the accounts, their outboxes and their timekeepers."""

from dataclasses import dataclass, field

from local.stripe.accounts import Account, Accounts
from local.stripe.delivery.outbox import Outbox
from local.stripe.delivery.settings import DeliverySettings
from local.stripe.timekeeper import Timekeeper


@dataclass(slots=True)
class World:
    """All accounts with what runs for them, by the account's number."""

    accounts: Accounts
    outboxes: dict[int, Outbox] = field(default_factory=dict)
    timekeepers: dict[int, Timekeeper] = field(default_factory=dict)

    def outbox(self, account: Account) -> Outbox:
        """The account's deliveries."""
        return self.outboxes[account.number]

    def empty(self, account: Account) -> None:
        """Takes everything out of an account; its keys stay, its clock too."""
        outbox = self.outbox(account)
        outbox.clear(DeliverySettings(retry_seconds=outbox.settings.retry_seconds))
        account.clear()

    def stop(self) -> None:
        """Ends what runs for every account."""
        for outbox in self.outboxes.values():
            outbox.stop()
        for timekeeper in self.timekeepers.values():
            timekeeper.stop()
