import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from simulator.segments import count


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2),
        ("a" * 152 + "€" * 77, 3),
        ("ż" * 70, 1),
        ("ż" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
    ],
)
def test_parts_of_a_body(body: str, parts: int):
    assert count(body) == parts


@given(st.text(st.sampled_from("aZ @é€{^\nżΩ中😀"), max_size=400))
def test_another_library_counts_the_same(body: str):
    assert count(body) == max(len(smsutil.split(body).parts), 1)
