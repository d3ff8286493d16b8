"""What the document says is true: schemathesis draws requests from it, right and wrong, alone and one after the other,
and holds the answers against it with all its checks.

A schema cannot say all that is asked of a request (that a number can be texted, that a template exists), so what it
allows may be refused with 400, and a state that was named with 412; what the document shows as an example may not.
"""

import re
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth

from smshub.api import keys, sparse
from smshub.api.models import ApiKey
from tests.api.conftest import System
from tests.api.openapi import OPERATIONS, examples
from tests.api.world import make_world
from tests.depth import times_depth

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_connection_stays", "_no_quota", "_no_way_out")]

LIVE_EXAMPLES, TEST_EXAMPLES = times_depth(3), times_depth(1)
#: The operations in parts, so that processes can share them.
PARTS = [sorted(OPERATIONS)[part::4] for part in range(4)]
JOURNEYS, STEPS = times_depth(8), 12
REMOVABLE = (
    r"/(contacts|lists|campaigns|webhooks|routes|country-limits|allowed-hours|frequency-caps|keywords"
    r"|confirmation-texts|answer-rules|automatic-replies|canned-replies)\b"
)


@pytest.fixture
def _connection_stays() -> Iterator[None]:
    """A real server drops connections between requests; here all requests share the test's transaction."""
    between = (request_started, request_finished)
    for signal in between:
        signal.disconnect(close_old_connections)
    yield
    for signal in between:
        signal.connect(close_old_connections)


@pytest.fixture
def _no_quota(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    settings.API_RATE_PER_SECOND = settings.API_RATE_PER_MINUTE = 0


@pytest.fixture
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts that are made are checked as well, and no provider is to hear of it."""
    looked_up = socket.getaddrinfo

    def only_here(host: Any, *more: Any, **named: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return looked_up(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def drawn(examples: int, **more: Any) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        **more,
    )


@cache
def schema_of_the_hub(*modes: schemathesis.GenerationMode) -> Any:
    schema: Any = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    schema.config.generation.update(modes=list(modes), with_security_parameters=False)
    checks = schema.config.checks
    accepted, refused = checks.positive_data_acceptance, checks.negative_data_rejection
    accepted.expected_statuses = [*accepted.expected_statuses, "400", "412"]
    # A state that is not there is told before the body is read, and is a refusal too.
    refused.expected_statuses = [*refused.expected_statuses, "412"]
    return schema


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}


def ask_for_all_of_it(case: Any) -> None:
    """The document tells of whole answers; which fields one has of which some were asked for it cannot say."""
    if re.fullmatch("[a-z_,]+", str((case.query or {}).get(sparse.PARAMETER, ""))):
        del case.query[sparse.PARAMETER]


class Answers:
    """Holds answers against the document. Whether an operation is done for a stranger too is asked when it is first
    done, not each time.
    """

    def __init__(self, sent: dict[str, str]) -> None:
        self.sent = sent
        self.done: set[str] = set()

    def to(self, case: Any) -> Any:
        with undone():
            answer = case.call(headers=self.sent)
            asked = [ignored_auth] if case.operation.label in self.done else []
            case.validate_response(answer, headers=self.sent, excluded_checks=asked)
        is_listed(case, answer)
        if answer.status_code < 300:
            self.done.add(case.operation.label)
        return answer


def is_listed(case: Any, answer: Any) -> None:
    """A refusal is of a kind that the document lists for it."""
    if answer.status_code < 400:
        return
    listed = OPERATIONS[case.operation.label]["responses"][str(answer.status_code)]["content"]
    kind = answer.json()["type"].removeprefix("/problems/")
    assert kind in listed["application/problem+json"]["examples"], f"{case.as_curl_command()}\n{answer.text}"


def every_operation(examples: int, attempt: Callable[[Any], None], among: Collection[str] = OPERATIONS) -> None:
    for found in schema_of_the_hub(*schemathesis.GenerationMode).get_all_operations():
        assert isinstance(found, Ok)
        if found.ok().label not in among:
            continue

        @drawn(examples)
        @hypothesis.given(case=found.ok().as_strategy())
        def one(case: Any) -> None:
            attempt(case)

        one()


@pytest.mark.parametrize("part", PARTS, ids=["first", "second", "third", "last"])
def test_every_answer_to_a_live_key_is_as_the_document_says(shop: System, part: list[str]) -> None:
    world, answers, tried = make_world(), Answers(headers(shop.text)), set()

    def attempt(case: Any) -> None:
        tried.add(case.operation.label)
        if case.path_parameters:
            case.path_parameters["id"] = world.of(case.path)
        ask_for_all_of_it(case)
        answers.to(case)

    every_operation(LIVE_EXAMPLES, attempt, among=part)

    assert tried == set(part)


def test_every_answer_to_a_test_key_is_as_the_document_says(db: None) -> None:
    world = make_world()
    scopes = ["messages:read", "messages:write", "senders:read"]
    _key, text = keys.issue(name="Trying out", scopes=scopes, actor=None, mode=ApiKey.Mode.TEST)
    answers, seen = Answers(headers(text)), set()

    def attempt(case: Any) -> None:
        if case.path_parameters:
            case.path_parameters["id"] = world.of(case.path)
        ask_for_all_of_it(case)
        answer = answers.to(case)
        seen.add((case.operation.tags[0] in ("messages", "senders"), answer.status_code))

    every_operation(TEST_EXAMPLES, attempt)

    assert (False, 200) in seen, "whoami works with any key"
    assert (False, 403) in seen


@pytest.mark.parametrize("is_removable", [True, False], ids=["what can be removed", "what stays"])
def test_what_was_made_can_be_followed_to_its_end(shop: System, is_removable: bool) -> None:
    """Journeys along the ids that answers tell: made, looked at, changed, moved, removed, asked for again."""
    world, sent = make_world(), headers(shop.text)
    whole = schema_of_the_hub(schemathesis.GenerationMode.POSITIVE)
    schema = (whole.include if is_removable else whole.exclude)(path_regex=REMOVABLE)
    seen: set[tuple[str, int]] = set()

    class Journey(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def setup(self) -> None:
            self.steps = 0
            self.whole = undone()
            self.whole.__enter__()

        def teardown(self) -> None:
            self.whole.__exit__(None, None, None)
            super().teardown()

        def before_call(self, case: Any) -> None:
            """What is made is mostly as the document shows it: drawn bodies alone would seldom be let in."""
            self.steps += 1
            ask_for_all_of_it(case)
            shown = _shown(case.operation.label)
            if shown is not None and case.meta.generation.mode.is_positive and self.steps % 4:
                case.body = world.fitted(shown)
                case.headers.pop("Idempotency-Key", None)
            if case.operation.method == "delete" and self.steps % 2:
                case.path_parameters["id"] = world.of(case.path)
                case.headers.pop("If-Match", None)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": sent}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, headers=sent, recorder=self.recorder, transport_kwargs={"headers": sent})
            is_listed(case, response)
            seen.add((case.operation.method, response.status_code))

    Journey.run(settings=drawn(JOURNEYS, stateful_step_count=STEPS))

    # What is drawn varies with the ids there are; that the journeys led somewhere does not.
    assert {("post", 201), ("get", 200)} <= seen
    assert (("delete", 204) in seen) == is_removable


def _shown(name: str) -> Any:
    media = OPERATIONS[name].get("requestBody", {}).get("content", {}).get("application/json")
    return examples(media)[0] if media else None


BODIES = [
    (name, at, value)
    for name, operation in OPERATIONS.items()
    for kind, media in operation.get("requestBody", {}).get("content", {}).items()
    for at, value in enumerate(examples(media))
]


def test_what_the_document_shows_is_accepted(shop: System) -> None:
    world, refused = make_world(), {}
    for name, at, body in BODIES:
        method, path = name.split(" ")
        with undone():
            answer = shop(method, path.removeprefix("/api/v1/").format(id=world.of(path)), world.fitted(body))
        # What cannot be done to the one that there is, such as a draft, is in its state, not in what was sent.
        if not (answer.status_code < 300 or answer.status_code == 409):
            refused[name, at] = answer.body

    assert len(BODIES) > 80
    assert refused == {}
