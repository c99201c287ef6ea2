"""What one step of a schedule draws, from one number: other steps do not change it."""


class Dice:
    """Details of one step, from one number of it."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2_654_435_761 + 1

    def upto(self, sides: int) -> int:
        """From 0 to `sides` - 1."""
        self._state = (self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (self._state >> 33) % sides

    def fraction(self) -> float:
        """From 0 to 1."""
        return self.upto(1000) / 1000
