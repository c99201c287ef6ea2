"""On a schedule: end webhook endpoints whose time is over."""
