"""Every operation of the API that writes is sent as the document shows it, and leaves an action in the log."""

from typing import Any

import pytest
from django.db import transaction

from smshub.audit import places
from smshub.audit.models import Entry
from tests.api.conftest import System
from tests.api.openapi import OPERATIONS, examples
from tests.api.world import World, make_world

#: Operations that answer a question and write nothing.
ONLY_ASKS = {
    "POST /api/v1/campaigns/{id}/preflight",
    "POST /api/v1/providers/{id}/check",
    "POST /api/v1/routes/check",
    "POST /api/v1/templates/preview",
    "POST /api/v1/templates/{id}/preview",
}
#: Where what the document shows finds nothing to be done.
IDLE = {"POST /api/v1/suppressions/lift"}


def sent(shop: System, world: World, name: str) -> tuple[int, set[str]]:
    """The operation as the document shows it: its status, and the subjects of the actions that it left. Then undone."""
    method, path = name.split(" ")
    said = OPERATIONS[name].get("requestBody", {}).get("content", {}).get("application/json")
    shown = examples(said) if said else []
    body: Any = world.fitted(shown[0]) if shown else None
    with transaction.atomic():
        answer = shop(method, path.replace("{id}", str(world.of(path))).removeprefix("/api/v1/"), body)
        found = set(Entry.objects.filter(kind="action", actor=shop.key.prefix).values_list("subject", flat=True))
        transaction.set_rollback(True)
    return answer.status_code, found


@pytest.mark.django_db
def test_every_write_of_a_key_leaves_an_action() -> None:
    shop, world = System(), make_world()
    writes = [name for name in OPERATIONS if name.split(" ")[0] in ("POST", "PATCH", "DELETE")]

    outcomes = {name: sent(shop, world, name) for name in writes}

    done = {name: subjects for name, (status, subjects) in outcomes.items() if status < 400}
    assert len(done) > 30
    silent = {name for name, subjects in done.items() if not subjects}
    told_elsewhere = {name for name in silent if f"api/{name.split('/')[3]}" in places.TOLD_ELSEWHERE}
    assert silent - told_elsewhere == ONLY_ASKS | IDLE
