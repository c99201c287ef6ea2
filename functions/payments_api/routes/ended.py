"""How the routes of customers, subscriptions and sessions answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from paidonce.use_cases.carry_out import Ended

_NOT_KNOWN_YET = (
    "We do not know yet whether this worked; nothing is done twice. Send the same request again."
)
# What is answered is for the caller alone, in no cache on the way.
_NOT_KEPT = {"Cache-Control": "no-store"}


def shown(
    document: Mapping[str, Any], *, how: Ended = Ended.SAME_USER, made: HTTPStatus = HTTPStatus.OK
) -> Response[dict[str, Any]]:
    """The answer to a request that ended so; `made` is the status of what was asked for."""
    status = {
        Ended.MADE: made,
        Ended.REPEATED: made,
        Ended.SAME_USER: HTTPStatus.OK,
        Ended.NOT_KNOWN_YET: HTTPStatus.ACCEPTED,
    }[how]
    return Response(
        status_code=status,
        content_type="application/json",
        headers=_NOT_KEPT | ({"Idempotent-Replayed": "true"} if how is Ended.REPEATED else {}),
        body={"message": _NOT_KNOWN_YET} if how is Ended.NOT_KNOWN_YET else dict(document),
    )
