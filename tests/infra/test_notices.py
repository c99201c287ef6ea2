"""What the template asks of the bus, beside what the domain makes of it."""

from paidonce.domain.notice import TOLD_TYPES

from infra.features import notices


def test_the_rule_on_the_bus_asks_for_exactly_what_makes_a_notice() -> None:
    assert notices.TOLD_TYPES == TOLD_TYPES
