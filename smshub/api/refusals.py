"""Which kinds of problems an operation can answer, for the OpenAPI document: statuses, words, examples."""

from typing import Any

from smshub.api.problems import TITLES

#: A status: what it means, and the kinds of problems that have it.
Refusals = dict[str, tuple[str, tuple[str, ...]]]

WITH_ID: Refusals = {"404": ("There is nothing with this id.", ("not-found",))}
WITH_BODY: Refusals = {
    "400": ("Not valid: `errors` names the fields or parameters.", ("validation-error", "malformed-body")),
    "411": ("The body came without its length.", ("length-required",)),
    "413": ("The body is too large.", ("body-too-large",)),
    "415": ("Not a kind of body that is understood.", ("unsupported-media-type",)),
}
POSTED: Refusals = {"422": ("The Idempotency-Key was used for another request.", ("idempotency-key-reused",))}
CHANGED: Refusals = {"428": ("`If-Match` is missing, and this hub asks for it.", ("precondition-required",))}
OF_A_STATE: Refusals = {"412": ("It is not in the state that `If-Match` names.", ("precondition-failed",))}
IN_STEPS: Refusals = {"503": ("Cut short: repeat it under the same Idempotency-Key.", ("unfinished",))}
_STATE = "The present state does not allow it."
_TWIN = "The present state does not allow it, or a twin with the same Idempotency-Key is at work."

#: What the problem is about in the examples; members beside the standard ones.
_EXAMPLES: dict[str, dict[str, Any]] = {
    "validation-error": {
        "status": 400,
        "detail": "This field is required.",
        "errors": [{"pointer": "/name", "detail": "This field is required.", "code": "required"}],
    },
    "malformed-body": {"status": 400, "detail": "The body is not JSON."},
    "authentication-required": {"status": 401, "detail": "Send your API key: Authorization: Bearer smshub_live_…"},
    "invalid-key": {"status": 401, "detail": "This API key is unknown, expired or revoked."},
    "missing-scope": {
        "status": 403,
        "detail": "This API key lacks the scope contacts:write.",
        "missing_scope": "contacts:write",
    },
    "address-not-allowed": {"status": 403, "detail": "This API key may not be used from this address."},
    "forbidden": {"status": 403, "detail": "This API key may not send by this sender."},
    "not-found": {"status": 404, "detail": "There is nothing with this id."},
    "not-acceptable": {"status": 406, "detail": "Answers are JSON only."},
    "conflict": {"status": 409, "detail": "Something else still needs it."},
    "already-exists": {"status": 409, "detail": "There is one with this number.", "existing_id": 17},
    "wrong-state": {"status": 409, "detail": "This message is delivered; it cannot be cancelled any more."},
    "campaign-refused": {
        "status": 409,
        "detail": "The audience is empty.",
        "problems": ["The audience is empty."],
    },
    "idempotency-key-in-use": {"status": 409, "detail": "The same request is being worked on."},
    "length-required": {"status": 411, "detail": "Send the body with a Content-Length, not in chunks."},
    "precondition-failed": {"status": 412, "detail": "It has changed since: get it again."},
    "body-too-large": {"status": 413, "detail": "The body is larger than this address takes."},
    "unsupported-media-type": {"status": 415, "detail": "Send JSON: Content-Type: application/json."},
    "idempotency-key-reused": {"status": 422, "detail": "This key belongs to another request."},
    "precondition-required": {"status": 428, "detail": "Send If-Match with the ETag of your last answer."},
    "too-many-requests": {"status": 429, "detail": "This API key has made as many requests as it may. Wait 2 seconds."},
    "unfinished": {"status": 503, "detail": "500 of 800 are done; the rest is not.", "results": []},
}


def always(method: str, *, has_scope: bool) -> Refusals:
    """What any request may be told, whatever it is about."""
    key = ["address-not-allowed"]
    if has_scope:
        key.insert(0, "missing-scope")
    if method in ("POST", "PATCH"):
        key.append("forbidden")
    return {
        "400": ("Not valid: `errors` names the fields or parameters.", ("validation-error",)),
        "401": ("No API key, or not a valid one.", ("authentication-required", "invalid-key")),
        "403": ("The key may not do this: it lacks the scope, or is bound to other senders or networks.", tuple(key)),
        "406": ("Only JSON can be had.", ("not-acceptable",)),
        "429": ("The key's quota is used up: wait `Retry-After` seconds.", ("too-many-requests",)),
    }


def conflicts(method: str, *, of_one: bool, of_campaign: bool, is_create: bool) -> Refusals:
    """What `409` can mean to something that changes state."""
    kinds = ["conflict"]
    if of_one:
        kinds.append("wrong-state")
    if is_create or method == "PATCH":
        kinds.append("already-exists")
    if of_campaign and method == "POST":
        kinds.append("campaign-refused")
    if method == "POST":
        kinds.append("idempotency-key-in-use")
    return {"409": (_TWIN if method == "POST" else _STATE, tuple(kinds))}


WRONG_STATE: Refusals = {"409": (_STATE, ("wrong-state",))}


def components() -> dict[str, Any]:
    """An example of each kind, to be referred to by its name."""
    return {
        kind: {
            "summary": TITLES[kind],
            "value": {"type": f"/problems/{kind}", "title": TITLES[kind], **said, "request_id": _REQUEST},
        }
        for kind, said in _EXAMPLES.items()
    }


_REQUEST = "5f0a8f0e-8f0b-4c39-8f0c-2d1f3f1f7a10"


def references(kinds: tuple[str, ...]) -> dict[str, Any]:
    return {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds}
