"""Passkeys (WebAuthn Level 2): made, and signed in with, as the second factor or instead of the password.

The browser's part is `static/smshub/passkeys.js`. A challenge lies in the session for as long as it may be answered,
and is taken out by the first answer, whatever that is.
"""

import json
import time
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils import timezone
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from smshub.accounts.models import Passkey

_CHALLENGE = "passkey_challenge"
_SECONDS = 300
_MOST = 10


class Refused(Exception):
    """The answer is not one to the question asked, or not by a passkey of this user's."""


def is_possible(request: HttpRequest) -> bool:
    """Passkeys belong to a host's name; browsers make none for a bare address."""
    name = _host(request)
    return name == "localhost" or not (name.replace(".", "").isdigit() or ":" in name)


def to_register(request: HttpRequest, user: User) -> dict[str, Any]:
    """The question to the browser for a new passkey."""
    options = generate_registration_options(
        rp_id=_host(request),
        rp_name="SMSHub",
        user_name=user.get_username(),
        user_id=str(user.pk).encode(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(user),
    )
    return _asked(request, options.challenge, options_to_json(options))


def register(request: HttpRequest, user: User, *, answer: Any, name: str) -> Passkey:
    """Keep the passkey that the browser made. Raises Refused."""
    challenge = _taken(request)
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_host(request),
            expected_origin=_origin(request),
        )
    except WebAuthnException as error:
        raise Refused(str(error)) from None
    if user.passkeys.count() >= _MOST or Passkey.objects.filter(credential_id=made.credential_id).exists():
        raise Refused("There are too many, or this one is known.")
    return Passkey.objects.create(
        user=user,
        name=name.strip()[:60] or f"{timezone.now():%d %b %Y}",
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )


def to_sign_in(request: HttpRequest, user: User | None) -> dict[str, Any]:
    """The question to the browser: for a passkey of this user's, or for any by which we learn who it is."""
    options = generate_authentication_options(
        rp_id=_host(request),
        allow_credentials=_descriptors(user) if user else None,
        user_verification=(UserVerificationRequirement.DISCOURAGED if user else UserVerificationRequirement.REQUIRED),
    )
    return _asked(request, options.challenge, options_to_json(options))


def sign_in(request: HttpRequest, user: User | None, *, answer: Any) -> User:
    """Whose passkey has answered. Without a user it stands for the password too, so the device must have made sure of
    the person, by a finger, a face or its own PIN. Raises Refused."""
    challenge = _taken(request)
    try:
        credential_id = base64url_to_bytes(answer["rawId"])
    except (KeyError, TypeError, ValueError):
        raise Refused("The answer is not one.") from None
    found = Passkey.objects.select_related("user").filter(credential_id=credential_id).first()
    if found is None or (user and found.user_id != user.pk):
        raise Refused("This passkey is not known here.")
    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=_host(request),
            expected_origin=_origin(request),
            credential_public_key=bytes(found.public_key),
            credential_current_sign_count=found.sign_count,
            require_user_verification=user is None,
        )
    except WebAuthnException as error:
        raise Refused(str(error)) from None
    Passkey.objects.filter(pk=found.pk).update(sign_count=verified.new_sign_count, used_at=timezone.now())
    return found.user


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    known = user.passkeys.values_list("credential_id", flat=True)
    return [PublicKeyCredentialDescriptor(id=bytes(credential_id)) for credential_id in known]


def _asked(request: HttpRequest, challenge: bytes, options: str) -> dict[str, Any]:
    request.session[_CHALLENGE] = [bytes_to_base64url(challenge), int(time.time()) + _SECONDS]
    return dict(json.loads(options))


def _taken(request: HttpRequest) -> bytes:
    challenge, until = request.session.pop(_CHALLENGE, ("", 0))
    if not challenge or time.time() > until:
        raise Refused("The question is too old, or was answered.")
    return base64url_to_bytes(challenge)


def _host(request: HttpRequest) -> str:
    # Only hosts of ALLOWED_HOSTS come as far as this.
    return split_domain_port(request.get_host())[0]


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
