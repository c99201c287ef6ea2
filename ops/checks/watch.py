"""Who hears of trouble: alarms, their topic, the trail; and whether the clock is right."""

from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from botocore.exceptions import ClientError

from ops.at_stripe import AtStripe
from ops.checks.finding import Finding, asked, fail, ok, warn

_ALARM_TYPES = ["MetricAlarm", "CompositeAlarm"]
# The topic that hears everything, and the one of what cannot wait (infra/stacks/alarms.py).
_TOPICS = (
    ("alarm topic", "AlarmTopicArn", "alarms.email"),
    ("pages topic", "PagesTopicArn", "alarms.pages_email"),
)
_PENDING = "PendingConfirmation"
# Stripe's Date header has whole seconds, and the answer takes one.
_SKEW_SECONDS = 5
_TIMEOUT_SECONDS = 10


def alarms(there: AtStripe) -> Iterator[Finding]:
    """Each alarm that rings now, by its heading of the runbook, and what they come to."""
    found: list[Finding] = []
    with asked("alarms", found):
        prefix = f"paidonce-{there.place.settings.stage}-"
        pages = there.place.client("cloudwatch").get_paginator("describe_alarms")
        single: list[Any] = []
        composite: list[Any] = []
        # Unless both are named, CloudWatch leaves the composites out.
        for page in pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=_ALARM_TYPES):
            single += page.get("MetricAlarms", ())
            composite += page.get("CompositeAlarms", ())
        found += ringing(single, composite, prefix=prefix)
    yield from found


def ringing(
    single: Sequence[Mapping[str, Any]], composite: Sequence[Mapping[str, Any]], *, prefix: str
) -> Iterator[Finding]:
    """What CloudWatch's list of alarms means; `prefix` is what each name begins with."""
    rung = [one for one in (*single, *composite) if one["StateValue"] == "ALARM"]
    for alarm in rung:
        name = alarm["AlarmName"].removeprefix(prefix)
        if alarm in single:
            says, do = alarm.get("StateReason") or "it rings", f"docs/runbook.md#{name}"
        else:
            says, do = alarm.get("AlarmDescription") or "it rings", "see to the alarms above"
        yield fail(f"alarm {name}", says, do)
    muted = [one["AlarmName"] for one in single if not one["ActionsEnabled"]]
    if muted:
        do = f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(muted)}"
        yield warn("alarms", f"{len(muted)} tell nobody: their actions are off", do)
    if not single:
        yield fail(
            "alarms", "there are none", "deploy this version: npx cdk deploy -c stage=… --all"
        )
    elif not rung:
        yield ok("alarms", f"none of {len(single)} rings, nor of {len(composite)} that sum them up")


def subscriptions(there: AtStripe) -> Iterator[Finding]:
    """Whoever is told when an alarm rings: nobody is a warning, and so is an unanswered mail."""
    for check, output, setting in _TOPICS:
        found: list[Finding] = []
        with asked(check, found):
            topic = there.place.output(output)
            pages = there.place.client("sns").get_paginator("list_subscriptions_by_topic")
            every = [
                one for page in pages.paginate(TopicArn=topic) for one in page["Subscriptions"]
            ]
            found += heard(check, every, setting=setting)
        yield from found


def heard(check: str, every: Sequence[Mapping[str, str]], *, setting: str) -> Iterator[Finding]:
    """What SNS's list of subscriptions means; `setting` names the address in stages.toml."""
    pending = [one for one in every if one["SubscriptionArn"] == _PENDING]
    for one in pending:
        do = "answer the mail that AWS sent there, or deploy again to have another"
        yield warn(check, f"{one['Protocol']} is not confirmed: it gets nothing", do)
    if not every:
        do = f"set {setting} in stages.toml, or subscribe something to the topic"
        yield warn(check, "nobody is told when an alarm rings", do)
    elif len(pending) < len(every):
        yield ok(check, f"tells {len(every) - len(pending)}")


def trail(there: AtStripe) -> Iterator[Finding]:
    """Without a trail of CloudTrail nobody is told of a stranger who reads a secret."""
    check = "trail"
    if not there.place.settings["access.tells_of_strangers"]:
        yield ok(check, "not needed: access.tells_of_strangers is off")
        return
    do = "make a trail of management events, or set access.tells_of_strangers = false"
    try:
        trails = there.place.client("cloudtrail").describe_trails()["trailList"]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        do = "ask whoever may see CloudTrail, which no role of ours may"
        yield warn(check, f"AWS does not show whether there is one ({code})", do)
        return
    if trails:
        yield ok(check, f"{len(trails)}: a stranger who reads a secret is told of")
    else:
        yield warn(check, "there is none: a stranger who reads a secret is not told of", do)


def clock(there: AtStripe) -> Iterator[Finding]:
    """This machine's clock beside Stripe's: moments of `--since` are of this one."""
    check = "clock"
    try:
        began = there.clock.now()
        answer = httpx.get(there.place.stripe_api_url, timeout=_TIMEOUT_SECONDS)
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError) as error:
        do = "is Stripe reached from here?"
        yield warn(check, f"Stripe does not say what time it is ({type(error).__name__})", do)
        return
    # Where in its second, and when on the way, the answer was dated is not known.
    skew = max(began - theirs - 1, theirs - there.clock.now(), 0)
    if skew > _SKEW_SECONDS:
        says = f"this machine is {skew:.0f} s off Stripe's clock"
        yield warn(check, says, "set it (NTP): --since, ages and signatures are counted by it")
    else:
        yield ok(check, "agrees with Stripe's to the second")
