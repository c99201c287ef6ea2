"""What can go wrong with a local cloud, in words for whoever called it."""


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; its text is one sentence that says why."""


class CommandFailedError(LocalCloudError):
    """A step of the deployment failed; `tail` is the end of what it said."""

    def __init__(self, sentence: str, tail: str) -> None:
        super().__init__(sentence)
        self.tail = tail
