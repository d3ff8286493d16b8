"""Who calls, and whether their key allows it.

A view says what it needs as data: `scope = "contacts"` asks for `contacts:read` of reading requests and
`contacts:write` of all others; actions in `reads` only read although they are POSTs. `scope = ""` asks for any key.
"""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from contacts.api.refusals import MissingScope, Refusal
from smshub.api import keys
from smshub.api.models import ApiKey
from smshub.audit import origin


class AddressNotAllowed(Refusal):
    status_code = HTTPStatus.FORBIDDEN
    problem = "address-not-allowed"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer smshub_live_…`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Use the Bearer scheme: “Authorization: Bearer smshub_live_…”.")
        address = request.META.get("REMOTE_ADDR", "")
        try:
            key = keys.find(text.strip(), address=address)
        except keys.KeyExpired:
            raise AuthenticationFailed("This API key has expired.") from None
        except keys.KeyRevoked:
            raise AuthenticationFailed("This API key was revoked.") from None
        except keys.KeyNotFromHere:
            raise AddressNotAllowed(f"This API key may not be used from {address or 'an unknown address'}.") from None
        if key is None:
            raise AuthenticationFailed("This is not a valid API key.")
        origin.as_key(key.pk, key.prefix)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="SMSHub"'


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return False
        scope = required_scope(view, request.method or "")
        if scope and scope not in request.auth.scopes:
            raise MissingScope(scope)
        return True


def required_scope(view: Any, method: str) -> str:
    """The scope a request to this view needs; "" if any key will do. AttributeError if the view does not say."""
    resource: str = view.scope
    if not resource:
        return ""
    reading = method in SAFE_METHODS or getattr(view, "action", None) in getattr(view, "reads", ())
    return f"{resource}:{'read' if reading else 'write'}"
