"""Portal sessions and configurations: docs.stripe.com/api/customer_portal."""

from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import listed, same
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton
from local.stripe.spec.taking import take

SESSION = "billing_portal.session"
CONFIGURATION = "billing_portal.configuration"


@route("POST", "/v1/billing_portal/sessions")
def create_session(call: Call) -> Json:
    """A URL where a customer manages subscriptions."""
    if not call.get("customer"):
        raise invalid(
            "Missing required param: customer.", param="customer", code="parameter_missing"
        )
    customer = found(call.account, "customer", call.get("customer"), param="customer", status=400)
    configuration = call.referred(CONFIGURATION, "configuration") or _default(call)
    session = skeleton(
        SESSION,
        **call.base,
        id=new_id(SESSION),
        configuration=configuration["id"],
        customer=customer["id"],
        locale=call.get("locale"),
        return_url=call.get("return_url") or configuration["default_return_url"],
        url=f"{call.account.base_url}/pages/portal/{random_letters(40)}",
    )
    call.store.add(session)
    call.account.emit("billing_portal.session.created", session)
    return session


@route("POST", "/v1/billing_portal/configurations")
def create_configuration(call: Call) -> Json:
    """How the portal looks and what it lets customers do."""
    configuration = _new(call, default=False)
    call.account.emit("billing_portal.configuration.created", configuration)
    return configuration


@route("GET", "/v1/billing_portal/configurations")
def index(call: Call) -> Json:
    """Configurations, newest first."""
    return listed(call, CONFIGURATION, same(call, "active", "is_default"))


@route("GET", "/v1/billing_portal/configurations/{configuration}")
def retrieve(call: Call) -> Json:
    """One configuration."""
    return call.named(CONFIGURATION, "configuration")


@route("POST", "/v1/billing_portal/configurations/{configuration}")
def update(call: Call) -> Json:
    """Changes a configuration."""
    configuration = call.edited(CONFIGURATION, "configuration")
    take(configuration, call.params, ("active", "default_return_url", "name"))
    configuration["metadata"] = merged_metadata(configuration["metadata"], call.get("metadata"))
    configuration["updated"] = call.now
    call.account.emit_update("billing_portal.configuration.updated", configuration)
    return configuration


def _default(call: Call) -> Json:
    for configuration in call.store.oldest(CONFIGURATION):
        if configuration["is_default"]:
            return configuration
    return _new(call, default=True)


def _new(call: Call, *, default: bool) -> Json:
    profile = call.get("business_profile") or {}
    wanted = call.get("features") or {}
    enabled = {name: bool((wanted.get(name) or {}).get("enabled", default)) for name in _FEATURES}
    cancel = wanted.get("subscription_cancel") or {}
    configuration = skeleton(
        CONFIGURATION,
        **call.base,
        id=new_id(CONFIGURATION),
        active=True,
        business_profile={
            "headline": profile.get("headline"),
            "privacy_policy_url": profile.get("privacy_policy_url"),
            "terms_of_service_url": profile.get("terms_of_service_url"),
        },
        default_return_url=call.get("default_return_url"),
        features=_features(enabled, cancel),
        is_default=default,
        login_page={"enabled": False, "url": None},
        metadata=merged_metadata({}, call.get("metadata")),
        updated=call.now,
    )
    return call.store.add(configuration)


_FEATURES = (
    "customer_update",
    "invoice_history",
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
)


def _features(enabled: dict[str, bool], cancel: Json) -> Json:
    return {
        "customer_update": {"allowed_updates": [], "enabled": enabled["customer_update"]},
        "invoice_history": {"enabled": enabled["invoice_history"]},
        "payment_method_update": {
            "enabled": enabled["payment_method_update"],
            "payment_method_configuration": None,
        },
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": []},
            "enabled": enabled["subscription_cancel"],
            "mode": cancel.get("mode", "at_period_end"),
            "proration_behavior": cancel.get("proration_behavior", "none"),
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": enabled["subscription_update"],
            "products": None,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }
