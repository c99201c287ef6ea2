"""One short name for many words: the same words give the same name, on every machine and day."""

import hashlib
import json


def fingerprint(*parts: object) -> str:
    """64 hex digits of SHA-256 over the parts as JSON, so that ("a", "bc") is not ("ab", "c").

    Parts are what JSON can hold; the order of keys in a mapping does not matter.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
