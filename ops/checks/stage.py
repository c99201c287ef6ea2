"""Credentials, what is deployed, and which Stripe account it is."""

from collections.abc import Iterator

from paidonce.domain import permissions
from paidonce.domain.versions import PINNED
from paidonce.use_cases.judge_key import Standing
from paidonce.use_cases.rotate_key import key_in

from ops.at_stripe import AtStripe
from ops.checks.finding import Finding, asked, fail, ok, warn
from ops.place import SECRETS


def credentials(there: AtStripe) -> Iterator[Finding]:
    """Whose credentials these are, and whether the stage is theirs."""
    found: list[Finding] = []
    with asked("credentials", found):
        caller = there.place.client("sts").get_caller_identity()
        wanted, account = there.place.settings["account"], caller["Account"]
        if wanted and wanted != account:
            says = f"these are credentials of {account}, and the stage lives in {wanted}"
            found.append(fail("credentials", says, "choose another profile (AWS_PROFILE)"))
        else:
            found.append(ok("credentials", f"{caller['Arn']} in {account}"))
    yield from found


def deployment(there: AtStripe) -> Iterator[Finding]:
    """Everything that the command line needs is among the stacks' outputs."""
    missing = sorted({*SECRETS.values(), "WebhookUrl"} - there.place.outputs.keys())
    if missing:
        says = f"the stacks have no output {', '.join(missing)}"
        yield fail("deployment", says, "deploy this version: npx cdk deploy -c stage=… --all")
    else:
        yield ok("deployment", f"three stacks, webhooks at {there.place.webhook_url}")


def api_version(there: AtStripe) -> Iterator[Finding]:
    """Stage, product and endpoints speak the same version of Stripe's API."""
    wanted = there.place.settings["stripe.api_version"]
    if wanted == PINNED:
        yield ok("api version", wanted)
    else:
        says = f"stages.toml says {wanted}, this version of Paid Once speaks {PINNED}"
        yield fail("api version", says, f'set stripe.api_version = "{PINNED}"')


def account(there: AtStripe) -> Iterator[Finding]:
    """The reader's key is refused something: Stripe's refusal names the account."""
    found: list[Finding] = []
    with asked("stripe account", found):
        secret = there.versions("reader")
        key = key_in(secret.read(secret.labels()["AWSCURRENT"]))
        if key:
            found.append(_account(there, key))
    yield from found


def _account(there: AtStripe, key: str) -> Finding:
    check, wanted = "stripe account", there.place.settings["stripe.account"]
    danger = permissions.forbidden_to("reader")[0]
    answer = there.prober.ask(key, danger, time_left=lambda: 60.0)
    if answer.standing is not Standing.FORBIDDEN or answer.account is None:
        do = "look into the Dashboard: which account is the key of?"
        return warn(check, "Stripe does not say whose key it is", do)
    if not wanted:
        do = f'set stripe.account = "{answer.account}": events of others are then foreign'
        return warn(check, f"{answer.account}; stages.toml names none", do)
    if wanted != answer.account:
        do = "make the keys in the stage's own account or sandbox"
        return fail(check, f"the key belongs to {answer.account}, the stage to {wanted}", do)
    return ok(check, wanted)
