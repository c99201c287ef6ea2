"""What a stage itself decides about its subscribers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A stage's own rules (`[subscriptions]` in stages.toml).

    `grace_days`: how long it may be used after a payment was due and failed. `unpaid` and `paused`:
    may it be used once Stripe has stopped to ask for money, or while it is paused.
    """

    grace_days: int = 7
    unpaid: bool = False
    paused: bool = False
