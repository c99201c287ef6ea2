"""Dead letters in memory: a fake of the port `DeadLetters`."""

from collections.abc import Iterator, Mapping, Sequence

from paidonce.use_cases.dead_letter_port import DeadLetter

from tests.fakes import Faults, Sent


class FakeDeadLetters:
    """`DeadLetters` over a list; `hidden` are those that were looked at and not shown again."""

    def __init__(self, *letters: DeadLetter) -> None:
        self.letters = {letter.message_id: letter for letter in letters}
        self.hidden: set[str] = set()
        self.sent: list[Sent] = []
        self.faults = Faults()

    def look(self) -> Iterator[DeadLetter]:
        """See `DeadLetters.look`."""
        with self.faults.around("look"):
            found = [one for name, one in self.letters.items() if name not in self.hidden]
        for letter in found:
            self.hidden.add(letter.message_id)
            yield letter

    def show(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters.show`."""
        with self.faults.around("show"):
            self.hidden -= {letter.message_id for letter in letters}

    def send_back(self, letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """See `DeadLetters.send_back`; SQS takes ten attributes, none of them empty."""
        with self.faults.around("send_back"):
            if len(attributes) > 10 or not all(attributes.values()):
                raise ValueError(f"SQS would refuse {sorted(attributes)}")
            self.sent.append(Sent(letter.body, dict(attributes)))

    def delete(self, letter: DeadLetter) -> None:
        """See `DeadLetters.delete`."""
        with self.faults.around("delete"):
            self.letters.pop(letter.message_id, None)
