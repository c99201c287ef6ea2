"""A card network's early warning that a payment may be fraud."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.ownership import id_in


@dataclass(frozen=True, kw_only=True)
class FraudWarning:
    """One warning, under Stripe's id. `actionable`: neither disputed nor wholly refunded yet."""

    id: str
    fraud_type: str
    actionable: bool
    charge_id: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "FraudWarning":
        """Stripe's warning: https://docs.stripe.com/api/early_fraud_warnings/object."""
        return cls(
            id=found["id"],
            fraud_type=found["fraud_type"],
            actionable=found["actionable"],
            charge_id=id_in(found.get("charge")),
        )

    def view(self) -> Mapping[str, Any]:
        """As it stands in a payment (api.md section 1)."""
        return {
            "id": self.id,
            "fraud_type": self.fraud_type,
            "actionable": self.actionable,
            "charge": self.charge_id,
        }
