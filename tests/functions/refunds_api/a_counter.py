"""HTTP requests for refunds as API Gateway hands them over, on top of a fake refund desk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paidonce.adapters.api.exchange import Exchange
from paidonce.adapters.api.idempotent import StoredAnswers
from paidonce.adapters.api.refund_routes import Services
from paidonce.adapters.http import answer
from refunds_api.application import serve

from tests.fakes_answers import stored_answers_in_memory
from tests.functions.payments_api.a_browser import PREFIX, Browser, Context, Reply
from tests.use_cases.a_refund_desk import DEADLINE_SECONDS, RefundDesk

SERVER = "refunds:write refunds:read payments:any"
SHOPPER = "refunds:write refunds:read"


@dataclass
class Counter:
    """Somebody with a token who calls the function; with `scopes` None, without a token."""

    desk: RefundDesk = field(default_factory=RefundDesk)
    sub: str = "server"
    scopes: str | None = SERVER
    stored_answers: StoredAnswers = field(default_factory=stored_answers_in_memory)

    def post(self, body: Any = None, *, key: str | None = "key-1") -> Reply:
        """POST /refunds."""
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        return self._call("POST", "/refunds", body=body, headers=headers)

    def get(self, refund_id: str) -> Reply:
        """GET /refunds/{id}."""
        return self._call("GET", f"/refunds/{refund_id}")

    def _call(self, method: str, path: str, **parts: Any) -> Reply:
        event = Browser(sub=self.sub, scopes=self.scopes).event(method, path, **parts)
        found = serve(Exchange.of(event, Context(), self.services))
        headers: Mapping[str, str] = {k.lower(): str(v) for k, v in found["headers"].items()}
        return Reply(status=found["statusCode"], headers=headers, text=found["body"])

    @property
    def services(self) -> Services:
        """What wiring.py would make."""
        return Services(
            refund_payment=self.desk.refund_payment,
            read_refund=self.desk.read_refund,
            clock=self.desk.clock,
            telemetry=self.desk.telemetry,
            answer=answer,
            stored_answers=self.stored_answers,
            user_claim="sub",
            scope_prefix=PREFIX,
            request_deadline_seconds=DEADLINE_SECONDS,
        )
