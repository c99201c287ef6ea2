"""Products: docs.stripe.com/api/products."""

from local.stripe.call import Call
from local.stripe.errors import StripeError, refused
from local.stripe.identifiers import new_id
from local.stripe.listing import listed
from local.stripe.resources.prices import made_price
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton
from local.stripe.spec.taking import take

KIND = "product"
_PLAIN = (
    "active",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


@route("POST", "/v1/products")
def create(call: Call) -> Json:
    """A new product, with a default price when one is described."""
    product = new_product(call, call.params)
    described = call.get("default_price_data")
    call.account.emit("product.created", product)
    if described:
        product["default_price"] = made_price(call, {**described, "product": product["id"]})["id"]
    return product


def new_product(call: Call, params: Json) -> Json:
    """A product, kept; an id may be chosen."""
    product_id = params.get("id") or new_id(KIND, short=True)
    if call.store.find(KIND, product_id) is not None:
        raise already_exists("Product", product_id)
    product = skeleton(KIND, **call.base, id=product_id, active=True, updated=call.now)
    _take(product, params)
    return call.store.add(product)


def already_exists(what: str, object_id: str) -> StripeError:
    """400 for a chosen id that is taken."""
    return refused(
        f"{what} already exists.", code="resource_already_exists", param=object_id and "id"
    )


@route("GET", "/v1/products")
def index(call: Call) -> Json:
    """Products, newest first."""
    active, ids = call.get("active"), call.get("ids")
    return listed(
        call,
        KIND,
        lambda row: active in {None, row["active"]} and (not ids or row["id"] in ids),
    )


@route("GET", "/v1/products/{id}")
def retrieve(call: Call) -> Json:
    """One product."""
    return call.named(KIND, "id")


@route("POST", "/v1/products/{id}")
def update(call: Call) -> Json:
    """Changes a product."""
    product = call.edited(KIND, "id")
    _take(product, call.params)
    if "default_price" in call.params:
        price = call.referred("price", "default_price")
        product["default_price"] = price["id"] if price else None
    product["updated"] = call.now
    call.account.emit_update("product.updated", product)
    return product


@route("DELETE", "/v1/products/{id}")
def delete(call: Call) -> Json:
    """Deletes a product that has no prices."""
    product = call.named(KIND, "id")
    if any(price["product"] == product["id"] for price in call.store.oldest("price")):
        raise refused(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    call.account.emit("product.deleted", product)
    call.store.remove(KIND, product["id"])
    return {"id": product["id"], "object": KIND, "deleted": True}


def _take(product: Json, params: Json) -> None:
    take(product, params, _PLAIN)
    product["metadata"] = merged_metadata(product["metadata"], params.get("metadata"))
