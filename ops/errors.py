"""What can go wrong for an operator."""


class OpsError(Exception):
    """The command cannot do what was asked; its text is one sentence that says why."""
