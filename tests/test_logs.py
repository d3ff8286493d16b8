"""No number, text or secret reaches a log line."""

import json
import os
import subprocess
import sys

import pytest

from smshub.logs import redact

SAYS_NOTHING = [
    "Key (phone)=(+14155550123) already exists.",
    "GET /api/v1/contacts?phone=%2B14155550123",
    "call (415) 555-0123 4",
    "00 44 7911 123456",
]


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_numbers_are_masked_however_they_are_written(text: str) -> None:
    (line,) = redact(None, "", {"event": text}).values()
    assert sum(character.isdigit() for character in line) < 9
    assert "[number]" in line


def test_values_under_telling_names_are_masked_whole_and_queries_cut_off() -> None:
    event = redact(None, "", {"body": "Your code is 1234", "request": "GET /admin/?q=%28415%29+555", "event": "sent"})
    assert event == {"body": "[redacted]", "request": "GET /admin/", "event": "sent"}


def test_dates_counts_and_our_own_ids_stay_readable() -> None:
    event = {
        "event": "done on 2026-11-22, 12345 messages",
        "message_id": "01890000-1111-7222-8333-444444444444",
        "timestamp": "2026-11-22T10:00:00.123456Z",
    }
    assert redact(None, "", dict(event)) == event


def test_an_exception_of_a_library_is_masked_too() -> None:
    program = (
        "import django, logging; django.setup();"
        "\ntry: raise ValueError('duplicate +14155550123')"
        "\nexcept ValueError: logging.getLogger('django.request').exception('failed for +14155550123')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_json_logs())
    assert "14155550123" not in done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["level"] == "error"


def _json_logs() -> dict[str, str]:
    return {**os.environ, "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
