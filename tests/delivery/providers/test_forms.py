"""Forms are read and written just as urllib does it, whatever is in them."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.providers import forms

TEXT = st.one_of(st.text(), st.text(alphabet="aZ9 +%&=~._-/:#€ü\n\0", max_size=20))


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_a_form_is_written_as_urllib_writes_it(pairs: list[tuple[str, str]]) -> None:
    assert forms.encode(pairs) == urlencode(pairs).encode()


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(alphabet="ab=&%+;25cE9 ü", max_size=40).map(str.encode),
        st.lists(st.tuples(TEXT, TEXT), max_size=5).map(lambda pairs: urlencode(pairs).encode()),
    )
)
def test_a_form_is_read_as_urllib_reads_it(body: bytes) -> None:
    try:
        expected = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(forms.BadForm):
            forms.decode(body, most_fields=1000)
    else:
        assert forms.decode(body, most_fields=1000) == expected


def test_a_form_of_too_many_fields_is_not_read() -> None:
    assert len(forms.decode(b"a=1&" * 9 + b"a=1", most_fields=10)) == 10
    with pytest.raises(forms.BadForm):
        forms.decode(b"a=1&" * 10 + b"a=1", most_fields=10)


def test_what_is_no_unicode_is_not_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        forms.encode([("Body", "\ud83d")])
