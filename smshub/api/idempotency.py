"""The same POST twice has one effect: `Idempotency-Key`.

The key is taken by a unique insert in the transaction of the effect. A twin that comes while the first is at work
waits on that insert; a later one gets the stored answer. An answer is stored only if it had an effect (2xx): a
refusal leaves nothing behind, and the same request may be tried again under the same key.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.refusals import Conflict, Refusal
from smshub.api.models import ApiKey, IdempotencyRecord

HEADER = "Idempotency-Key"
MAX_KEY = 255
KEEP = timedelta(days=7)
WAIT_SECONDS = 5
_LOCK_NOT_AVAILABLE = "55P03"


class KeyReused(Refusal):
    status_code = 422
    problem = "idempotency-key-reused"


class KeyInUse(Conflict):
    problem = "idempotency-key-in-use"
    retry_after = WAIT_SECONDS


class BadKey(Refusal):
    status_code = 400
    problem = "validation-error"


def once(request: Request, key: str, effect: Callable[[], Response]) -> Response:
    """Answer from the record, or run `effect` and record its answer, in one transaction with what it did.

    Raises KeyReused (another request had this key), KeyInUse (a twin is still at work), and whatever `effect` raises.
    """
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise BadKey(f"{HEADER} must be 1 to {MAX_KEY} printable ASCII characters, such as a UUID.")
    api_key = cast(ApiKey, request.auth)
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        if not _take(api_key, key, fingerprint):
            return _stored(api_key, key, fingerprint)
        response = effect()
        if response.status_code < 300:
            # What is shown once is not kept to be shown again.
            kept = getattr(response, "data_to_keep", response.data)
            body = json.loads(JSONRenderer().render(kept))
            IdempotencyRecord.objects.filter(api_key=api_key, key=key).update(status=response.status_code, body=body)
        else:
            transaction.set_rollback(True)
    return response


def purge(*, older_than: timedelta = KEEP, limit: int = 10_000) -> int:
    """Forget up to `limit` answers given longer ago; returns how many, so that a caller goes on until 0."""
    old = IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - older_than).order_by("created_at")
    return IdempotencyRecord.objects.filter(pk__in=old.values("pk")[:limit]).delete()[0]


def _take(api_key: ApiKey, key: str, fingerprint: bytes) -> bool:
    """Whether the key is ours now. Waits for a twin's transaction, but not for long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_SECONDS}s"])
        try:
            cursor.execute(
                """
                INSERT INTO api_idempotencyrecord (api_key_id, key, request_hash, status, body, created_at)
                VALUES (%s, %s, %s, 0, 'null', now()) ON CONFLICT (api_key_id, key) DO NOTHING
                """,
                [api_key.pk, key, fingerprint],
            )
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise KeyInUse("The first request with this key is still being worked on: ask again shortly.") from None
        taken = bool(cursor.rowcount)
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    return taken


def _stored(api_key: ApiKey, key: str, fingerprint: bytes) -> Response:
    record = IdempotencyRecord.objects.get(api_key=api_key, key=key)
    if bytes(record.request_hash) != fingerprint:
        raise KeyReused(f"This {HEADER} was used for another request: use a new one for each.")
    return Response(record.body, status=record.status, headers={"Idempotent-Replayed": "true"})


def _fingerprint(request: Request) -> bytes:
    """What makes two requests the same: the address with its parameters, and the body's content."""
    digest = hashlib.sha256(request.get_full_path().encode())
    data = cast(dict[str, Any], request.data)
    fields = {name: value for name, value in data.items() if not isinstance(value, UploadedFile)}
    digest.update(json.dumps(fields, sort_keys=True).encode())
    for name, upload in sorted(request.FILES.items()):
        digest.update(f"\n{name}\n{upload.name}\n".encode())
        for chunk in upload.chunks():
            digest.update(chunk)
        upload.seek(0)
    return digest.digest()
