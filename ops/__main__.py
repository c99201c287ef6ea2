"""`python -m ops`, which `.venv/bin/paidonce` runs."""

from ops.app import app

app(prog_name="paidonce")
