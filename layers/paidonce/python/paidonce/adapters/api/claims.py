"""Who asks, out of the JWT that API Gateway has checked.

Shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.errors import Forbidden


def read_caller(event: Mapping[str, Any], *, user_claim: str, scope_prefix: str) -> Caller:
    """The caller of a request. Raises Forbidden when no token, or one without a name, came along.

    `scope_prefix` is what Cognito puts before a scope; scopes count with it and without.
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    jwt = authorizer.get("jwt") or {}
    claims = jwt.get("claims") or {}
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
        raise Forbidden("The token names no caller.")
    return Caller(
        issuer=issuer,
        subject=subject,
        user_id=_user(claims, user_claim),
        scopes=frozenset(
            scope.removeprefix(scope_prefix) for scope in _scopes(jwt.get("scopes"), claims)
        ),
    )


def _user(claims: Mapping[str, Any], user_claim: str) -> str | None:
    """With client credentials `sub` names the program (RFC 9068 section 2.2), no user of a shop."""
    user = claims.get(user_claim)
    if user_claim == "sub" and user == claims.get("client_id"):
        return None
    return user if isinstance(user, str) and user else None


def _scopes(granted: object, claims: Mapping[str, Any]) -> Iterator[str]:
    """API Gateway's own list, and the two claims that it reads; a list comes as `[a b]`."""
    for found in (granted, claims.get("scope"), claims.get("scp")):
        if isinstance(found, str):
            yield from found.strip("[]").replace(",", " ").split()
        elif isinstance(found, list):
            yield from (scope for scope in found if isinstance(scope, str))
