"""The webhook endpoints: are they there, at the right URL, with the right events and version?"""

from collections.abc import Iterator, Mapping

from paidonce.domain import rulebook
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import STAGE_MARK
from paidonce.domain.signing_document import DEFAULT_NAME, LiveEndpoint, SigningDocument
from paidonce.use_cases.rotation_ports import WebhookEndpoint

from ops.at_stripe import AtStripe
from ops.checks.finding import Finding, asked, fail, ok, warn

_FIX = "paidonce doctor --fix makes one with exactly the events that have rules"
_ROTATE = "paidonce keys rotate signing makes a right one, and retires this one later"
_SECONDS = 60.0


def endpoints(there: AtStripe) -> Iterator[Finding]:
    """Each live entry of the signing document, and what stands at Stripe beside them."""
    found: list[Finding] = []
    with asked("endpoints", found):
        document = there.edit_signing.reading()[1]
        if not document.live(DEFAULT_NAME):
            found.append(fail("endpoints", "there is no webhook endpoint yet", _FIX))
        standing = {
            one.id: one for one in there.endpoints("reader").all(time_left=lambda: _SECONDS)
        }
        for entry in document.endpoints:
            found += _of_entry(there, entry, document, standing)
        found += _beside(there, document, standing)
    yield from found


def _of_entry(
    there: AtStripe,
    entry: LiveEndpoint,
    document: SigningDocument,
    standing: Mapping[str, WebhookEndpoint],
) -> Iterator[Finding]:
    check = f"endpoint {entry.id}"
    endpoint = standing.get(entry.id)
    newest = document.newest(entry.name)
    if endpoint is None or not endpoint.is_enabled:
        state = "is gone from Stripe" if endpoint is None else "is disabled at Stripe"
        if newest and newest.id != entry.id:
            yield warn(check, f"it {state}", "nothing: retire_endpoints takes it out")
        else:
            yield fail(check, f"it {state}: no event arrives through it", _FIX)
        return
    wrong = list(_differences(there, entry, endpoint))
    yield from (fail(check, says, do) for says, do in wrong)
    if not wrong:
        every = "*" in endpoint.event_types
        events = "every event" if every else f"{len(endpoint.event_types)} types of events"
        yield ok(check, f"{entry.name}: enabled, is sent {events}")


def _differences(
    there: AtStripe, entry: LiveEndpoint, endpoint: WebhookEndpoint
) -> Iterator[tuple[str, str]]:
    place = there.place
    url = place.webhook_url + ("" if entry.name == DEFAULT_NAME else f"/{entry.name}")
    if endpoint.url != url:
        yield f"it delivers to {endpoint.url}, not to {url}", _ROTATE
    version = place.settings["stripe.api_version"]
    if endpoint.api_version != version:
        yield f"its events are of version {endpoint.api_version}, not {version}", _ROTATE
    wanted, has = set(rulebook.event_types()), set(endpoint.event_types)
    if "*" in has:
        has = wanted
    if wanted - has:
        do = "paidonce doctor --fix subscribes to them"
        yield f"it does not send {', '.join(sorted(wanted - has))}", do
    if has - wanted:
        do = "paidonce doctor --fix leaves them out"
        yield f"it sends {', '.join(sorted(has - wanted))}, which have no rule", do


def _beside(
    there: AtStripe, document: SigningDocument, standing: Mapping[str, WebhookEndpoint]
) -> Iterator[Finding]:
    """What delivers to us without our knowing its secret is refused, again and again."""
    place = there.place
    for endpoint in standing.values():
        if endpoint.id in document.ids:
            continue
        if endpoint.metadata.get(STAGE_MARK) == place.settings.stage:
            says = "it is this stage's and in no document: an interrupted rotation left it"
            do = "nothing: the next rotation of signing deletes it"
            yield warn(f"endpoint {endpoint.id}", says, do)
        elif endpoint.url.startswith(place.webhook_url) and endpoint.is_enabled:
            says = "it delivers to this stage, whose document does not hold its secret"
            do = "disable it at Stripe, or give its secret: paidonce keys stage signing --endpoint"
            yield fail(f"endpoint {endpoint.id}", says, do)


def fix(there: AtStripe) -> Iterator[str]:
    """Make the first endpoint, or mend the events of those that are; says what was done."""
    made = there.make_endpoint(DEFAULT_NAME, time_left=lambda: _SECONDS)
    wanted = tuple(sorted(rulebook.event_types()))
    at_stripe = there.endpoints("endpoints")
    document = there.edit_signing.reading()[1]
    yield f"{made} is the endpoint of {DEFAULT_NAME}"
    for endpoint in at_stripe.all(time_left=lambda: _SECONDS):
        if endpoint.id in document.ids and tuple(sorted(endpoint.event_types)) != wanted:
            at_stripe.subscribe(
                endpoint.id,
                wanted,
                idempotency_key=f"whe_{fingerprint('doctor', endpoint.id, *wanted)}",
                time_left=lambda: _SECONDS,
            )
            yield f"{endpoint.id} is sent exactly the {len(wanted)} events that have rules"
