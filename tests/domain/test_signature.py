"""Our check of the Stripe-Signature header, by example and against the official SDK's."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain import signature
from paidonce.domain.errors import SignatureInvalid
from paidonce.domain.signature import NoSecretFits, verify
from stripe import SignatureVerificationError, WebhookSignature

SECRET = "whsec" + "_of_this_endpoint"
OTHER = "whsec" + "_of_another_endpoint"
BODY = b'{"id": "evt_1", "object": "event"}'
NOW = 1_790_000_000
# int() takes such digits for the same number.
FULLWIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in str(NOW))


def signed(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW) -> str:
    """One `v1` signature in hex, made as Stripe's documentation describes it."""
    return hmac.new(secret.encode(), b"%d." % at + body, "sha256").hexdigest()


def header(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW) -> str:
    return f"t={at},v1={signed(body, secret=secret, at=at)}"


def accepts(text: str | None, body: bytes = BODY, *, now: float = NOW) -> bool:
    try:
        verify(text, body, secrets=[SECRET], now=now)
    except SignatureInvalid:
        return False
    return True


def test_what_stripe_s_library_signs_is_accepted() -> None:
    text = WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)
    verify(text, BODY, secrets=[SECRET], now=NOW)


def test_any_live_secret_may_have_signed() -> None:
    verify(header(secret=OTHER), BODY, secrets=[SECRET, OTHER], now=NOW)


def test_during_a_roll_one_of_two_signatures_is_enough() -> None:
    text = f"t={NOW},v1={signed(secret=OTHER)},v1={signed()}"
    verify(text, BODY, secrets=[SECRET], now=NOW)
    verify(text, BODY, secrets=[OTHER], now=NOW)


def test_the_first_timestamp_counts() -> None:
    assert accepts(f"t={NOW},t={NOW - 9000},v1={signed()}")
    assert not accepts(f"t={NOW - 9000},t={NOW},v1={signed()}")


@pytest.mark.parametrize(
    ("at", "accepted"),
    [(NOW - 300, True), (NOW - 301, False), (NOW + 60, True), (NOW + 61, False)],
)
def test_a_signature_is_good_for_five_minutes_and_a_minute_ahead(
    *, at: int, accepted: bool
) -> None:
    assert accepts(header(at=at)) is accepted


@pytest.mark.parametrize("secrets", [[], [""], [" "], ["\t\n"], [OTHER], ["\ud800"]])
def test_no_secret_of_ours_means_refused(secrets: list[str]) -> None:
    with pytest.raises(NoSecretFits):
        verify(header(), BODY, secrets=secrets, now=NOW)


def test_an_empty_secret_never_verifies_what_it_signed() -> None:
    with pytest.raises(SignatureInvalid):
        verify(header(secret=""), BODY, secrets=[""], now=NOW)


@pytest.mark.parametrize(
    "body", [b"", BODY + b" ", BODY[:-1], BODY.replace(b"evt_1", b"evt_2"), BODY + b"\n"]
)
def test_one_other_byte_of_the_body_is_refused(body: bytes) -> None:
    with pytest.raises(NoSecretFits):
        verify(header(), body, secrets=[SECRET], now=NOW)


MALFORMED = {
    "none": None,
    "empty": "",
    "blank": " ",
    "a word": "garbage",
    "only commas": ",,,,",
    "only equals": "====",
    "no timestamp": f"v1={signed()}",
    "no signature": f"t={NOW}",
    "only v0": f"t={NOW},v0={signed()}",
    "empty signature": f"t={NOW},v1=",
    "empty timestamp": f"t=,v1={signed()}",
    "a word as timestamp": f"t=now,v1={signed()}",
    "a fraction as timestamp": f"t={NOW}.0,v1={signed()}",
    "hexadecimal timestamp": f"t={NOW:#x},v1={signed()}",
    "negative timestamp": f"t=-{NOW},v1={signed(at=-NOW)}",
    "infinite timestamp": f"t=inf,v1={signed()}",
    "a number no float holds": f"t={'9' * 400},v1={signed()}",
    "a number int refuses": f"t={'9' * 5000},v1={signed()}",
    "timestamp without a value": f"t,v1={signed()}",
    "signature without a value": f"t={NOW},v1",
    "another separator": f"t={NOW};v1={signed()}",
    "space before the scheme": f"t={NOW}, v1={signed()}",
    "upper-case scheme": f"t={NOW},V1={signed()}",
    "upper-case signature": f"t={NOW},v1={signed().upper()}",
    "cut signature": f"t={NOW},v1={signed()[:-1]}",
    "longer signature": f"t={NOW},v1={signed()}0",
    "not ASCII": f"t={NOW},v1=é{signed()}",
    "not ASCII elsewhere": f"t={NOW},v1={signed()},v0=é",
    "half a surrogate pair": f"t={NOW},v1=\ud800",
    "fullwidth digits": f"t={FULLWIDTH},v1={signed()}",
    "a null byte": f"t={NOW},v1=\x00{signed()}",
    "a line break": f"t={NOW},v1=\r\n{signed()}",
    "4 KiB and a byte": f"{header()},v0=".ljust(4097, "0"),
    "a megabyte": f"{header()},v0=".ljust(1_000_000, "0"),
    "the right one after sixteen others": f"t={NOW}{',v1=00' * 16},v1={signed()}",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_header_is_refused_and_never_crashes(text: str | None) -> None:
    assert not accepts(text)


def test_the_limits_themselves_are_accepted() -> None:
    assert accepts(f"{header()},v0=".ljust(4096, "0"))
    assert accepts(f"t={NOW}{',v1=00' * 15},v1={signed()}")


@given(st.text())
def test_no_text_at_all_crashes_the_check(text: str) -> None:
    assert not accepts(text)
    assert not accepts(f"t={NOW},v1={text}")
    assert not accepts(f"t={text},v1={signed()}")


def test_the_sentence_of_a_refusal_repeats_nothing_of_what_came() -> None:
    for text in [f"t={NOW},v1=planted", "t=planted,v1=planted", "planted"]:
        with pytest.raises(SignatureInvalid) as refused:
            verify(text, b"planted", secrets=["planted"], now=NOW)
        assert "planted" not in str(refused.value)
        assert refused.value.__cause__ is None


def test_each_secret_is_tried_on_each_signature_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fit does not end the work early, and the comparison is the library's own."""
    compared: list[tuple[bytes, bytes]] = []
    compare: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr("paidonce.domain.signature.hmac.compare_digest", counted)
    verify(f"t={NOW},v1={signed()},v1=00", BODY, secrets=[SECRET, OTHER], now=NOW)
    assert len(compared) == 4


# --- against the official SDK ---------------------------------------------------------------------


@dataclass
class Sample:
    """One generated webhook: what came, the secret it is checked with, and what was done to it."""

    body: bytes
    text: str
    marks: set[str] = field(default_factory=set)


def sdk_accepts(sample: Sample) -> bool | None:
    """The SDK's verdict with Stripe's default tolerance; None where it crashes instead."""
    try:
        return WebhookSignature.verify_header(sample.body, sample.text, SECRET, 300)  # type: ignore[no-any-return]  # the SDK's method has no annotation for its answer
    except SignatureVerificationError:
        return False
    except (UnicodeDecodeError, TypeError):
        return None


def meant_difference(sample: Sample) -> str | None:
    """Where our verdict is not the SDK's, by name: there the SDK is lax, or crashes."""
    if not sample.text.isascii():
        return "non-ASCII header"  # TypeError, ignored in what it skips, or read as digits
    if len(sample.text) > signature.HEADER_MAX_BYTES:
        return "header over 4 KiB"
    if "many" in sample.marks:
        return "over sixteen signatures"
    if "future" in sample.marks:
        return "signed in the future"  # it looks at the past only
    try:
        sample.body.decode()
    except UnicodeDecodeError:
        return "body is not UTF-8"  # UnicodeDecodeError; ours checks the bytes
    return None


def generated(random: Random, *, now: int) -> Sample:
    """A header of Stripe's in about two of five samples, otherwise damaged in one or more ways."""
    body = random.choice([BODY, b"", b"{}", '{"name": "Zoë 💳"}'.encode(), random.randbytes(20)])
    at = now + random.choice([0, 0, 0, 0, -100, -290, -310, -86_400, 50, 70, 3600, -now, 10**12])
    marks = {"future"} if at > now + signature.AHEAD_MAX_SECONDS else set()
    right = f"v1={signed(body, at=at)}"
    wrong = f"v1={signed(body, secret=OTHER, at=at)}"
    filler = ["v0=" + signed(body, at=at), "v2=x", "x", "", "=", "v1=" + "0" * 64, "v1=a=b"]
    items = [f"t={at}", random.choice([right, right, right, right, wrong])]
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        items.insert(random.randrange(1, len(items) + 1), random.choice([*filler, wrong, right]))
    damage = random.random()
    if damage < 0.02:
        items[:] = [items[0], *["v1=00"] * 17, *items[1:]]
        marks.add("many")
    elif damage < 0.04:
        items.append("v0=" + "0" * random.choice([3000, 4500]))
    elif damage < 0.14:
        items[0] = random.choice(
            [f"t= {at} ", f"t=+{at}", f"t=0{at}", f"t={at}=1", "t=", "t", f"t={FULLWIDTH}"]
        )
    elif damage < 0.24:
        items.insert(0, random.choice([f"t={now}", f"t={at - 1000}", "t=x", "v1", "t"]))
    elif damage < 0.30:
        random.shuffle(items)
    text = ",".join(items)
    if damage > 0.85:
        place = random.randrange(len(text))
        text = text[:place] + random.choice(["", ",", "=", " ", "é", "0", "\n"]) + text[place + 1 :]
    return Sample(body, text, marks)


def test_our_verdict_is_the_sdk_s_on_thousands_of_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least 30 % of them valid; they differ exactly in what `meant_difference` lists."""
    monkeypatch.setattr("stripe._webhook.time", SimpleNamespace(time=lambda: float(NOW)))
    random = Random(20_261_118)
    total, valid, differences = 20_000, 0, set[str]()
    for _ in range(total):
        sample = generated(random, now=NOW)
        ours, theirs = accepts(sample.text, sample.body), sdk_accepts(sample)
        valid += theirs is True
        if ours is not theirs:
            reason = meant_difference(sample)
            assert reason is not None, sample
            assert not ours or reason == "body is not UTF-8", sample
            differences.add(reason)
    assert valid / total >= 0.30
    assert differences == {
        "non-ASCII header",
        "header over 4 KiB",
        "over sixteen signatures",
        "signed in the future",
        "body is not UTF-8",
    }


def test_a_body_that_is_not_utf8_is_verified_over_its_bytes() -> None:
    """The SDK crashes on it; ours tells a signed one from a forged one."""
    body = b"\xff\xfe{}"
    verify(header(body), body, secrets=[SECRET], now=NOW)
    assert not accepts(header(), body)
