"""What a reminder says of its appointment: local to it, in the language of whom it is for."""

from datetime import UTC, datetime

import pytest

from campaigns.reminders import texts

FIRST_OF_DECEMBER = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)


def said(**contact: str) -> tuple[object, ...]:
    found = texts.context(contact, starts_at=FIRST_OF_DECEMBER, time_zone="Europe/Berlin", kind="", attributes={})
    appointment: object = found["appointment"]
    return tuple(appointment[name] for name in ("day", "date", "time"))  # type: ignore[index]


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"language": "de"}, ("Dienstag", "Di., 1. Dez.", "08:30")),
        ({"language": "en", "country": "DE"}, ("Tuesday", "Tue, 1 Dec", "08:30")),
        # Nothing is known of their language: that of most people of their country
        ({"country": "DE"}, ("Dienstag", "Di., 1. Dez.", "08:30")),
        ({"country": "US"}, ("Tuesday", "Tue, Dec 1", "8:30 AM")),
        # But not in letters that the text would hardly have
        ({"country": "IN"}, ("Tuesday", "Tue, Dec 1", "8:30 AM")),
        ({}, ("Tuesday", "Tue, Dec 1", "8:30 AM")),
    ],
)
def test_day_and_time_are_written_as_the_contact_reads_them(contact: dict[str, str], expected: tuple[str, ...]) -> None:
    assert said(**contact) == expected
