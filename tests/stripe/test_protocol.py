"""The protocol: keys, versions, headers, expand, paging, form bodies, unknown paths."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

from local.stripe.server import running

Control = Callable[..., Any]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDIVE = "2026-10-28.endive"


def problem(answer: httpx.Response) -> Any:
    """The error of an answer."""
    return answer.json()["error"]


def test_answers_carry_stripes_headers(api: httpx.Client) -> None:
    """Request-Id, Date, version, and JSON with two spaces, `id` and `object` first."""
    answer = api.post("/v1/customers", data={"email": "a@example.com"})
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == ENDIVE
    assert answer.headers["date"].endswith("GMT")
    assert answer.text.startswith('{\n  "id": "cus_')


def test_a_key_opens_its_own_account_only(url: str, client: Any) -> None:
    """Two keys, two accounts; the publishable key belongs to its secret key's account."""
    customer = client.v1.customers.create({"email": "a@example.com"})
    other = stripe.StripeClient("sk_" + "test_" + "x" * 30, base_addresses={"api": url})
    with pytest.raises(stripe.InvalidRequestError) as error:
        other.v1.customers.retrieve(customer.id)
    assert (error.value.http_status, error.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("key", ["", "sk_" + "test_short", "foo_bar", "rk_" + "test_" + "y" * 24])
def test_a_bad_key_is_401(url: str, key: str) -> None:
    """No key, a short one, another form, a restricted key that nobody made."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = httpx.get(f"{url}/v1/customers", headers=headers)
    assert answer.status_code == 401
    assert problem(answer)["type"] == "invalid_request_error"
    assert key[:20] not in problem(answer)["message"] or len(key) < 16


def test_an_expired_key_is_401(url: str, control: Control) -> None:
    """A restricted key works until it is expired."""
    key = control("POST", "keys", permissions=["customer_read"])["key"]
    restricted = stripe.StripeClient(key, base_addresses={"api": url})
    assert restricted.v1.customers.list().data == []
    control("DELETE", f"keys/{key}")
    with pytest.raises(stripe.AuthenticationError) as error:
        restricted.v1.customers.list()
    said: Any = error.value.error
    assert said.code == "api_key_expired"


def test_a_restricted_key_may_do_what_it_may(url: str, control: Control) -> None:
    """Write includes read; the 403 names the permission in Stripe's sentence."""
    key = control("POST", "keys", permissions=["payment_intent_write"])["key"]
    restricted = stripe.StripeClient(key, base_addresses={"api": url})
    intent = restricted.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    assert restricted.v1.payment_intents.retrieve(intent.id).id == intent.id
    with pytest.raises(stripe.PermissionError) as error:
        restricted.v1.refunds.create({"payment_intent": intent.id})
    said: Any = error.value.error
    assert said.code == "more_permissions_required"
    assert "Enabling \"Charges and Refunds Write\" ('charge_write')" in said.message
    assert key not in said.message


def test_a_missing_parameter_is_told_only_to_who_may(url: str, control: Control) -> None:
    """The key rotation's probe: 400 permitted, 403 not."""
    key = control("POST", "keys", permissions=["webhook_write"])["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.post(f"{url}/v1/webhook_endpoints", headers=headers).status_code == 400
    assert httpx.post(f"{url}/v1/payment_intents", headers=headers).status_code == 403


def test_a_publishable_key_needs_the_client_secret(url: str, key: str, client: Any) -> None:
    """It confirms with the client secret, lists nothing, and without the secret gets nothing."""
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    headers = {"Authorization": "Bearer " + key.replace("sk_", "pk_", 1)}
    path = f"{url}/v1/payment_intents/{intent.id}"
    assert problem(httpx.get(path, headers=headers))["param"] == "client_secret"
    wrong = httpx.get(path, headers=headers, params={"client_secret": intent.client_secret + "x"})
    assert wrong.status_code == 400
    body = {
        "client_secret": intent.client_secret,
        "payment_method": "pm_card_visa",
        "return_url": "https://shop.example",
    }
    assert httpx.post(f"{path}/confirm", headers=headers, data=body).json()["status"] == "succeeded"
    assert httpx.get(f"{url}/v1/events", headers=headers).status_code == 401


def test_controls_without_a_key_mean_the_first_account() -> None:
    """Faults that were planned before any key was seen hit the first key's account."""
    with running() as url:
        plan = {"method": "GET", "path": "/v1/customers", "kind": "429", "times": 1}
        assert httpx.post(f"{url}/_test/faults", json=plan).status_code == 200
        first = {"Authorization": "Bearer sk_" + "test_" + "f" * 24}
        other = {"Authorization": "Bearer sk_" + "test_" + "o" * 24}
        assert httpx.get(f"{url}/v1/customers", headers=first).status_code == 429
        assert httpx.get(f"{url}/v1/customers", headers=other).status_code == 200
        assert httpx.request("DELETE", f"{url}/_test/faults").json()["faults"][0]["fired"] == 1


def test_the_record_of_requests_shows_who_asked_with_which_idempotency_key() -> None:
    """A fault, a GET with a key and an emptied account are in it; no key's text is."""
    with running() as url:
        secret = {"Authorization": "Bearer sk_" + "test_" + "w" * 24}
        wanted = {"permissions": ["customer_write"]}
        made = httpx.post(f"{url}/_test/keys", json=wanted, headers=secret).json()["key"]
        restricted = {"Authorization": f"Bearer {made}", "Idempotency-Key": "one"}
        plan = {"method": "POST", "path": "/v1/customers", "kind": "503", "times": 1}
        httpx.post(f"{url}/_test/faults", json=plan, headers=secret)
        assert httpx.post(f"{url}/v1/customers", headers=restricted).status_code == 503
        assert httpx.get(f"{url}/v1/customers", headers=restricted).status_code == 200
        httpx.delete(f"{url}/_test/account", headers=secret)
        httpx.get(f"{url}/v1/customers", headers=secret)
        answer = httpx.get(f"{url}/_test/requests", headers=secret)
        assert answer.json()["total"] == 3
        assert [tuple(asked.values()) for asked in answer.json()["data"]] == [
            ("POST", "/v1/customers", "rk", "one"),
            ("GET", "/v1/customers", "rk", "one"),
            ("GET", "/v1/customers", "sk", None),
        ]
        assert made not in answer.text


def test_versions(api: httpx.Client) -> None:
    """Dahlia and endive are answered as asked; an unknown one is 400."""
    dahlia = {"Stripe-Version": "2026-08-26.dahlia"}
    body = {"amount": 500, "currency": "usd", "payment_method_types[]": "card"}
    answer = api.post("/v1/payment_intents", data=body, headers=dahlia)
    assert answer.headers["stripe-version"] == "2026-08-26.dahlia"
    assert answer.json()["payment_method_types"] == ["card"]
    refused = api.post("/v1/payment_intents", data=body, headers={"Stripe-Version": ENDIVE})
    assert problem(refused)["code"] == "payment_method_types_no_longer_supported"
    unknown = api.get("/v1/customers", headers={"Stripe-Version": "2019-01-01.apple"})
    assert unknown.status_code == 400


def test_an_unknown_path_is_404(api: httpx.Client) -> None:
    """Stripe names method and path."""
    answer = api.get("/v1/unicorns")
    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/unicorns)" in problem(answer)["message"]
    assert api.post("/v1/events").status_code == 404


def test_expand(client: Any) -> None:
    """Ids become objects, in lists and several levels deep; what cannot be expanded is 400."""
    customer = client.v1.customers.create({"email": "a@example.com"})
    client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer.id,
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example",
        }
    )
    paths = ["data.customer", "data.latest_charge.balance_transaction"]
    listed = client.v1.payment_intents.list({"expand": paths})
    assert listed.data[0].customer.email == "a@example.com"
    assert listed.data[0].latest_charge.balance_transaction.object == "balance_transaction"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.customers.retrieve(customer.id, {"expand": ["unicorn"]})


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"", "amount", "parameter_missing"),
        (b"amount=500", "currency", "parameter_missing"),
        (b"amount=&currency=usd", "amount", "parameter_invalid_empty"),
        (b"amount=5.5&currency=usd", "amount", "parameter_invalid_integer"),
        (b"amount=abc&currency=usd", "amount", "parameter_invalid_integer"),
        (b"amount=0&currency=usd", "amount", "parameter_invalid_integer"),
        (b"amount=-5&currency=usd", "amount", "parameter_invalid_integer"),
        (b"amount=49&currency=usd", "amount", "amount_too_small"),
        (b"amount=100000000&currency=usd", "amount", "amount_too_large"),
        (b"amount=500&currency=xxx", "currency", None),
        (b"amount=500&currency=usd&unicorn=1", "unicorn", "parameter_unknown"),
        (b"amount=500&currency=usd&shipping[foo]=1", "shipping[foo]", "parameter_unknown"),
        (b"amount=500&currency=usd&metadata=x", "metadata", None),
        (b"amount[x]=500&currency=usd", "amount", None),
        (b"amount=500&currency=usd&confirm=maybe", "confirm", None),
        (b"amount=500&currency=usd&capture_method=later", "capture_method", None),
        (b"amount=500&currency=usd&customer=cus_none", "customer", "resource_missing"),
        (b"amount=500&currency=usd&payment_method=pm_none", "payment_method", "resource_missing"),
        (b"amount=500&currency=usd&expand=x", "expand", None),
        (b"amount=500&currency=usd&off_session=true", "off_session", None),
    ],
)
def test_bad_parameters_are_named_and_change_nothing(
    api: httpx.Client, body: bytes, param: str, code: str | None
) -> None:
    """400 with `param` (and `code`), and nothing was made."""
    answer = api.post("/v1/payment_intents", content=body, headers=FORM)
    assert answer.status_code == 400, answer.text
    assert (problem(answer).get("param"), problem(answer).get("code")) == (param, code)
    assert api.get("/v1/payment_intents").json()["data"] == []
    assert api.get("/v1/events").json()["data"] == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"amount": 500}', "application/json"),
        (b"amount", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"a[b=1", "application/x-www-form-urlencoded"),
        (b"a=1&a[b]=2", "application/x-www-form-urlencoded"),
        (b"a" + b"[b]" * 40 + b"=1", "application/x-www-form-urlencoded"),
        (b"[]=1", "application/x-www-form-urlencoded"),
    ],
)
def test_malformed_bodies_are_400(api: httpx.Client, body: bytes, kind: str) -> None:
    """JSON, half a pair, bytes that are no text, broken and endless nesting."""
    answer = api.post("/v1/payment_intents", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert problem(answer)["type"] == "invalid_request_error"


def test_lists_check_their_limits(api: httpx.Client) -> None:
    """Limit 1 to 100; one cursor at a time; a cursor must exist."""
    for query in ("limit=0", "limit=101", "limit=x", "starting_after=cus_none"):
        assert api.get(f"/v1/customers?{query}").status_code == 400, query
    made = api.post("/v1/customers").json()["id"]
    both = api.get(f"/v1/customers?starting_after={made}&ending_before={made}")
    assert both.status_code == 400


def test_metadata_is_merged(client: Any) -> None:
    """A key is changed, an empty value removes it, an empty string removes all."""
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update(customer.id, {"metadata": {"a": "3", "b": ""}})
    assert changed.metadata.to_dict() == {"a": "3"}
    assert client.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


def test_updated_events_tell_what_was_before(client: Any) -> None:
    """`previous_attributes` holds the former values, and only those."""
    customer = client.v1.customers.create({"email": "a@example.com"})
    client.v1.customers.update(customer.id, {"email": "b@example.com"})
    event = client.v1.events.list({"type": "customer.updated"}).data[0]
    assert event.data.to_dict()["previous_attributes"] == {"email": "a@example.com"}
    client.v1.customers.update(customer.id, {"email": "b@example.com"})
    assert len(client.v1.events.list({"type": "customer.updated"}).data) == 1


def test_events_are_found_by_type(client: Any) -> None:
    """One type, a wildcard, several; but not both ways at once."""
    client.v1.customers.create({})
    client.v1.products.create({"name": "Tea"})
    kinds = [e.type for e in client.v1.events.list({"types": ["customer.*", "product.created"]})]
    assert kinds == ["product.created", "customer.created"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.list({"type": "customer.created", "types": ["product.created"]})
    event = client.v1.events.retrieve(client.v1.events.list().data[0].id)
    assert json.loads(str(event))["object"] == "event"
