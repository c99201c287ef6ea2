"""What a restricted key of Stripe's looks like, and what an operator may have pasted instead."""

import re

# Stripe's own are longer; shorter ones are typing errors.
_RESTRICTED = re.compile(r"rk_(live|test)_[A-Za-z0-9]{16,250}", re.ASCII)
_MADE = "make a restricted key (rk_…) in the Dashboard"


def wrong_form(key: str, *, livemode: bool) -> str | None:
    """Why a text cannot be this stage's key, in a sentence without the text; None when it can."""
    if key.startswith("pk_"):
        return f"this is a publishable key, which is for browsers: {_MADE}"
    if key.startswith("sk_"):
        return f"this is a secret key, which may do everything: {_MADE}"
    if key.startswith("whsec_"):
        return "this is an endpoint's signing secret, not a key"
    found = _RESTRICTED.fullmatch(key)
    if found is None:
        return "this is no restricted key of Stripe's: one begins with rk_live_ or rk_test_"
    mode, wanted = found[1], "live" if livemode else "test"
    if mode != wanted:
        return f"this is a key of {mode} mode, and the stage is in {wanted} mode"
    return None
