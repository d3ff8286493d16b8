"""Times of SMPP, absolute and relative."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.smpp import times

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@given(st.integers(0, 31_550_000_000))
def test_what_is_written_is_read_to_the_tenth(tenths: int) -> None:
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=tenths / 10)
    read = times.read(times.write(moment), now=NOW)
    assert read is not None
    assert timedelta(0) <= moment - read < timedelta(milliseconds=100)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        # The examples of 7.1.1.
        ("020610233429000R", NOW + timedelta(days=365 * 2 + 30 * 6 + 10, hours=23, minutes=34, seconds=29)),
        ("991007233429848+", datetime(2099, 10, 7, 11, 34, 29, 800_000, tzinfo=UTC)),
        ("261102093000004-", datetime(2026, 11, 2, 10, 30, tzinfo=UTC)),
    ],
)
def test_examples(text: str, moment: datetime | None) -> None:
    assert times.read(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["1", "2611020930000000", "261302093000000+", "261102093000099+", "26110209300000٣+"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|month"):
        times.read(text, now=NOW)
