"""The restricted keys: are they there, may they do what they must and no more, how old are they?"""

from collections.abc import Iterator

from paidonce.domain import permissions
from paidonce.domain.errors import RotationRefused
from paidonce.domain.moment import days_since
from paidonce.domain.rotation import CURRENT, PENDING, STAGED
from paidonce.use_cases.rotate_key import key_in

from ops.at_stripe import AtStripe
from ops.checks.finding import Finding, asked, fail, ok, warn
from ops.place import SECRETS

# Twenty probes of a key take as long as the stage's share of Stripe's rate limit says.
_SECONDS = 300.0


def of_key(name: str, there: AtStripe) -> list[Finding]:
    """Everything about one key."""
    found: list[Finding] = []
    check = f"key {name}"
    with asked(check, found):
        secret = there.versions(name)
        document = secret.read(secret.labels()[CURRENT])
        key = key_in(document)
        if not key:
            says = "the secret still holds its placeholder"
            found.append(fail(check, says, f"paidonce keys stage {name}"))
            return found
        found.append(_permissions(there, name, key))
        found.append(_age(there, name, str((document or {}).get("created") or "")))
    return found


def labels(there: AtStripe) -> Iterator[Finding]:
    """A label that stays is a rotation that did not end."""
    found: list[Finding] = []
    for name in SECRETS:
        check = f"rotation {name}"
        with asked(check, found):
            held = there.versions(name).labels()
            if held.get(PENDING) not in {None, held.get(CURRENT)}:
                do = "wait some minutes; then see docs/runbook.md#rotation-failed"
                found.append(warn(check, "a rotation is under way, or was interrupted", do))
            elif STAGED in held:
                do = f"paidonce keys rotate {name} --yes judges it and puts it in use"
                found.append(warn(check, "a key is staged and not in use", do))
    yield from found or [ok("rotations", "none is under way")]


def breakers(there: AtStripe) -> Iterator[Finding]:
    """A key that Stripe refused: nothing is asked of Stripe with it."""
    found: list[Finding] = []
    with asked("breakers", found):
        table = there.place.output("PaymentsTableName")
        dynamodb = there.place.client("dynamodb")
        for name in permissions.KEYS:
            item_id = f"breaker#{there.versions(name).name}"
            item = dynamodb.get_item(TableName=table, Key={"id": {"S": item_id}}).get("Item", {})
            if item.get("is_open", {}).get("BOOL"):
                says = (
                    f"Stripe refused the key at {item['opened_at']['S']}: nothing is asked with it"
                )
                do = f"make a new key and give it: paidonce keys stage {name}"
                found.append(fail(f"key {name}", says, do))
    yield from found or [ok("breakers", "all are closed")]


def _permissions(there: AtStripe, name: str, key: str) -> Finding:
    check = f"key {name}"
    try:
        there.judge(name, key, beside=None, time_left=lambda: _SECONDS)
    except RotationRefused as error:
        do = f"edit the key in the Dashboard, or make another: paidonce keys stage {name}"
        return fail(check, str(error).removeprefix(f"keys/{name}: "), do)
    ticked = permissions.sentence(permissions.of_key(name))
    return ok(check, f"may do exactly {ticked}")


def _age(there: AtStripe, name: str, created: str) -> Finding:
    check = f"age of {name}"
    limit = there.place.settings["rotation.key_age_max_days"]
    age = days_since(created, now=there.clock.now())
    if age is None:
        return warn(check, "nobody noted when the key was made", f"paidonce keys stage {name}")
    if age > limit:
        do = f"make a new key and give it: paidonce keys stage {name}"
        return fail(check, f"{age} days, more than the {limit} of the stage", do)
    return ok(check, f"{age} days of {limit}")
