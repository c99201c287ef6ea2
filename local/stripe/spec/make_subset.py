"""Makes what the stand-in ships of Stripe's OpenAPI document: `make_subset.py SPEC.json.gz`."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("subset.json.gz")

# Paths below /v1 that the stand-in answers, each with everything below it.
SERVED = [
    "account",
    "balance",
    "balance_transactions",
    "billing_portal",
    "charges",
    "checkout/sessions",
    "coupons",
    "customers",
    "disputes",
    "events",
    "invoice_payments",
    "invoiceitems",
    "invoices",
    "payment_intents",
    "payment_methods",
    "plans",
    "prices",
    "products",
    "promotion_codes",
    "radar/early_fraud_warnings",
    "refunds",
    "setup_intents",
    "subscription_items",
    "subscriptions",
    "test_helpers/test_clocks",
    "tokens",
    "webhook_endpoints",
]
# Of those, what the stand-in leaves out: a request for it is Stripe's 404.
LEFT_OUT = [
    "bank_accounts",
    "/verify",
    "cash_balance",
    "funding_instructions",
    "tax_ids",
    "/features",
    "migrate",
    "verify_microdeposits",
    "apply_customer_balance",
    "/search",
]

# Kinds of payment method whose schemas are kept; the other sixty stay out of answers.
KEPT_TYPES = frozenset({"card", "sepa_debit", "us_bank_account", "link", "customer_balance"})
# Words for people, and hints that neither validation nor skeletons read.
DROPPED_WORDS = frozenset(
    {"description", "title", "maxLength", "x-expansionResources", "x-expandableFields", "style"}
)

Json = dict[str, Any]


def served(path: str) -> bool:
    """Whether the stand-in answers this path."""
    below = path.removeprefix("/v1/")
    inside = any(below == name or below.startswith(name + "/") for name in SERVED)
    return inside and not any(word in path for word in LEFT_OUT)


def modelled(schemas: Json, paths: Json) -> set[str]:
    """Names of the schemas of whole objects that an answer of a served path may hold."""
    names = {"event", "payment_intent", "card", "balance_transaction", "test_helpers.test_clock"}
    pending: list[Any] = [
        operation["responses"]["200"] for item in paths.values() for operation in item.values()
    ]
    for node in pending:
        names.update(direct_references(node))
    return {name for name in names if "properties" in schemas[name] or "anyOf" in schemas[name]}


def direct_references(node: object) -> set[str]:
    """Every schema name that a node points at."""
    if isinstance(node, list):
        return {name for entry in node for name in direct_references(entry)}
    if not isinstance(node, dict):
        return set()
    if "$ref" in node:
        return {node["$ref"].rsplit("/", 1)[-1]}
    return {name for entry in node.values() for name in direct_references(entry)}


def is_whole_object(schema: Json) -> bool:
    """Whether a schema describes an object of its own (pi_…, acct_…), not a part of one."""
    return "x-resourceId" in schema


class Pruner:
    """Copies nodes of the document without words, unmodelled objects and payment types."""

    def __init__(self, schemas: Json, kept: set[str], types: frozenset[str]) -> None:
        self.schemas = schemas
        self.kept = kept
        self.types = types

    def out_of_scope(self, reference: str) -> bool:
        """Whether a reference leads to a whole object that the stand-in does not make."""
        name = reference.rsplit("/", 1)[-1]
        return name not in self.kept and is_whole_object(self.schemas[name])

    def copy(self, node: Any) -> Any:
        """A node as the stand-in ships it."""
        if isinstance(node, list):
            return [self.copy(entry) for entry in node if not self.dropped(entry)]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return {} if self.out_of_scope(node["$ref"]) else {"$ref": node["$ref"]}
        return {
            key: self.properties(value) if key == "properties" else self.copy(value)
            for key, value in node.items()
            if not (key in DROPPED_WORDS and not (key == "title" and isinstance(value, dict)))
            and key != "x-stripeMostCommon"
        }

    def dropped(self, entry: object) -> bool:
        """Whether an alternative of a list is an object that the stand-in does not make."""
        return isinstance(entry, dict) and "$ref" in entry and self.out_of_scope(entry["$ref"])

    def properties(self, properties: Json) -> Json:
        """Properties (any name is a field here, `description` too) without unmodelled types."""
        return {
            name: self.copy(schema)
            for name, schema in properties.items()
            if not (name in self.types and "$ref" in json.dumps(schema))
        }


def subset(document: Json) -> Json:
    """The served paths with the schemas that they reach."""
    schemas: Json = document["components"]["schemas"]
    paths = {path: item for path, item in document["paths"].items() if served(path)}
    types = frozenset(schemas["payment_method"]["properties"]["type"]["enum"]) - KEPT_TYPES
    pruner = Pruner(schemas, modelled(schemas, paths), types)
    operations = {
        path: {method: operation_part(pruner, part) for method, part in item.items()}
        for path, item in paths.items()
    }
    reached: Json = {}
    pending = direct_references(operations) | {"event", "error"}
    while pending:
        name = pending.pop()
        if name not in reached:
            reached[name] = pruner.copy(schemas[name])
            pending |= direct_references(reached[name])
    return {"version": document["info"]["version"], "paths": operations, "schemas": reached}


def operation_part(pruner: Pruner, operation: Json) -> Json:
    """Of one operation: its query and form parameters and its answer's schema."""
    form: Json = operation.get("requestBody", {}).get("content", {})
    first: Json = next(iter(form.values()), {})
    schema: Json = first.get("schema", {})
    query = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    properties = {p["name"]: p["schema"] for p in query} | schema.get("properties", {})
    required = [p["name"] for p in query if p.get("required")] + schema.get("required", [])
    answer = next(iter(operation["responses"]["200"]["content"].values()))["schema"]
    return {
        "properties": {name: pruner.copy(part) for name, part in properties.items()},
        "required": required,
        "answer": pruner.copy(answer),
    }


def main() -> None:
    """Reads the document named on the command line and writes `subset.json.gz` beside this."""
    with gzip.open(sys.argv[1]) as source:
        made = subset(json.load(source))
    text = json.dumps(made, sort_keys=True, separators=(",", ":"))
    # No time stamp inside: the same document makes the same bytes.
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    counts = f"{len(made['paths'])} paths, {len(made['schemas'])} schemas"
    sys.stdout.write(f"{TARGET}: {counts}, {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
