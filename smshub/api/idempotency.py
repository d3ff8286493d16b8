"""The same POST twice has one effect: `Idempotency-Key`.

The key is taken by a unique insert in the transaction of the effect. A twin that comes while the first is at work
waits on that insert; a later one gets the stored answer. An answer is stored only if it had an effect (2xx): a
refusal leaves nothing behind, and the same request may be tried again under the same key.

What is too large for one transaction is done in steps (`in_steps`). The results of each are kept in its transaction, so
whatever was killed, and whoever goes on, each step is done once and has one result.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import structlog
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.refusals import Conflict, Refusal
from contacts.api.steps import Done, Step, Unfinished
from smshub.api.models import ApiKey, IdempotencyRecord

HEADER = "Idempotency-Key"
MAX_KEY = 255
KEEP = timedelta(days=7)
WAIT_SECONDS = 5
_LOCK_NOT_AVAILABLE = "55P03"
_REUSED = f"This {HEADER} was used for another request: use a new one for each."

logger = structlog.get_logger(__name__)


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
    api_key, fingerprint = _asked(request, key)
    with transaction.atomic():
        if not _take(api_key, key, fingerprint):
            return _stored(api_key, key, fingerprint)
        response = effect()
        if response.status_code < 300:
            # What is shown once is not kept to be shown again.
            kept = getattr(response, "data_to_keep", response.data)
            body = JSONRenderer().render(kept).decode()
            with connection.cursor() as cursor:
                cursor.execute(_ANSWERED, [response.status_code, body, api_key.pk, key])
        else:
            transaction.set_rollback(True)
    return response


def in_steps(request: Request, key: str, size: int, step: Step) -> Done:
    """Run the steps that are not done yet, each in one transaction with the record of its results.

    Twins that come at once take turns, step by step. Raises as `once`; and Unfinished when something of it is done and
    the rest is to be had by the same request.
    """
    api_key, fingerprint = _asked(request, key)
    done, replayed = 0, True
    while True:
        try:
            with transaction.atomic():
                done = _progress(api_key, key, fingerprint)
                if done >= size:
                    break
                found = step(done)
                _note(api_key, key, found, last=done + len(found) >= size)
                replayed = False
        except APIException:
            raise
        except Exception as error:
            if not done:
                raise
            logger.error("step_failed", done=done, exc_info=error)
            raise Unfinished(f"{done} of {size} are done. Repeat the request with the same {HEADER}.") from None
    record = IdempotencyRecord.objects.get(api_key=api_key, key=key)
    return Done(record.body["results"], replayed)


def purge(*, older_than: timedelta = KEEP, limit: int = 10_000) -> int:
    """Forget up to `limit` answers given longer ago; returns how many, so that a caller goes on until 0."""
    old = IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - older_than).order_by("created_at")
    return IdempotencyRecord.objects.filter(pk__in=old.values("pk")[:limit]).delete()[0]


def _asked(request: Request, key: str) -> tuple[ApiKey, bytes]:
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise BadKey(f"{HEADER} must be 1 to {MAX_KEY} printable ASCII characters, such as a UUID.")
    return cast(ApiKey, request.auth), _fingerprint(request)


# Each waits for a twin, but not for long, and lets what follows in the transaction wait as it will: one way to the
# database for what would be three. Of a key that is taken there is only an answer to be read.
_TAKE = """
WITH wait AS MATERIALIZED (SELECT set_config('lock_timeout', %s, true))
INSERT INTO api_idempotencyrecord (api_key_id, key, request_hash, status, body, created_at)
SELECT %s, %s, %s, 0, 'null', now() FROM wait
ON CONFLICT (api_key_id, key) DO NOTHING RETURNING set_config('lock_timeout', '0', true)
"""
_ANSWERED = "UPDATE api_idempotencyrecord SET status = %s, body = %s::jsonb WHERE api_key_id = %s AND key = %s"
_BEGIN = """
UPDATE api_idempotencyrecord SET body = '{"results": []}' WHERE api_key_id = %s AND key = %s
"""
_LOCK = """
WITH wait AS MATERIALIZED (SELECT set_config('lock_timeout', %s, true)),
locked AS MATERIALIZED (
    SELECT record.* FROM wait CROSS JOIN api_idempotencyrecord AS record
    WHERE api_key_id = %s AND key = %s FOR UPDATE OF record)
SELECT request_hash, CASE jsonb_typeof(body->'results') WHEN 'array' THEN jsonb_array_length(body->'results') END,
       set_config('lock_timeout', '0', true)
FROM locked
"""
_NOTE = """
UPDATE api_idempotencyrecord
SET body = jsonb_set(body, '{results}', body->'results' || %s::jsonb), status = CASE WHEN %s THEN 200 ELSE 0 END
WHERE api_key_id = %s AND key = %s
"""


def _progress(api_key: ApiKey, key: str, fingerprint: bytes) -> int:
    """How many results there are; from now on the record is ours until the end of the transaction."""
    taken = _take(api_key, key, fingerprint)
    with connection.cursor() as cursor:
        if taken:
            cursor.execute(_BEGIN, [api_key.pk, key])
            return 0
        with _not_for_long():
            cursor.execute(_LOCK, [f"{WAIT_SECONDS}s", api_key.pk, key])
            request_hash, done, _ = cursor.fetchone()
    if bytes(request_hash) != fingerprint:
        raise KeyReused(_REUSED)
    return int(done)


def _note(api_key: ApiKey, key: str, found: list[Any], *, last: bool) -> None:
    rendered = JSONRenderer().render(found).decode()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [rendered, last, api_key.pk, key])


def _take(api_key: ApiKey, key: str, fingerprint: bytes) -> bool:
    """Whether the key is ours now. Waits for a twin's transaction, but not for long."""
    with connection.cursor() as cursor, _not_for_long():
        cursor.execute(_TAKE, [f"{WAIT_SECONDS}s", api_key.pk, key, fingerprint])
        return bool(cursor.rowcount)


@contextmanager
def _not_for_long() -> Iterator[None]:
    """A statement that waits for a lock WAIT_SECONDS at most. Raises KeyInUse."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise KeyInUse("The first request with this key is still being worked on: ask again shortly.") from None


def _stored(api_key: ApiKey, key: str, fingerprint: bytes) -> Response:
    record = IdempotencyRecord.objects.get(api_key=api_key, key=key)
    if bytes(record.request_hash) != fingerprint:
        raise KeyReused(_REUSED)
    return Response(record.body, status=record.status, headers={"Idempotent-Replayed": "true"})


def _fingerprint(request: Request) -> bytes:
    """What makes two requests the same: the address with its parameters, and the body's content.

    Keyed: a body may hold a provider's password, too short for a plain digest of it to lie about.
    """
    digest = salted_hmac("smshub.api.idempotency", request.get_full_path(), algorithm="sha256")
    data = cast(dict[str, Any], request.data)
    fields = {name: value for name, value in data.items() if not isinstance(value, UploadedFile)}
    digest.update(json.dumps(fields, sort_keys=True).encode())
    for name, upload in sorted(request.FILES.items()):
        digest.update(f"\n{name}\n{upload.name}\n".encode())
        for chunk in upload.chunks():
            digest.update(chunk)
        upload.seek(0)
    return digest.digest()
