"""A file's bytes become records, or one clear sentence."""

import csv
import io
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.importing.read import (
    MAX_RECORD,
    ImportProblem,
    Shape,
    detect_encoding,
    read_head,
    read_records,
)

MEGABYTE = 1024 * 1024


def read(data: bytes, default_country: str = "US") -> tuple[Shape, list[tuple[int, list[str]]]]:
    file = io.BytesIO(data)
    shape = read_head(file, encoding=detect_encoding(file), default_country=default_country).shape
    return shape, list(read_records(file, shape))


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_recognised(
    delimiter: str, encoding: str, expected: str, end: str
) -> None:
    text = end.join([f"phone{delimiter}name", f"+33612345678{delimiter}Zoë", f"+33612345679{delimiter}José", ""])
    shape, records = read(text.encode(encoding))
    assert shape == Shape(expected, delimiter, ("phone", "name"), has_header=True)
    assert records == [(2, ["+33612345678", "Zoë"]), (3, ["+33612345679", "José"])]


def test_utf16_of_either_byte_order() -> None:
    text = "phone;name\n+33612345678;李娜\n"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        shape, records = read(mark + text.encode(encoding))
        assert (shape.encoding, records) == ("utf-16", [(2, ["+33612345678", "李娜"])])


def test_an_accent_on_the_last_line_of_a_long_file_still_decides_the_encoding() -> None:
    plain = b"phone,name\n" + b"+33612345678,Ann\n" * 200_000
    assert detect_encoding(io.BytesIO(plain)) == "utf-8"
    assert detect_encoding(io.BytesIO(plain + "+33612345679,Zoë".encode())) == "utf-8"
    assert detect_encoding(io.BytesIO(plain + "+33612345679,Zoë".encode("cp1252"))) == "cp1252"


def test_a_file_without_a_header_gets_numbered_columns_and_loses_no_row() -> None:
    shape, records = read(b"(415) 555-2671,Ann,\n(415) 555-2672,Bea,x\n")
    assert shape.header == ("Column 1", "Column 2", "Column 3")
    assert not shape.has_header
    assert [line for line, _ in records] == [1, 2]


def test_empty_and_repeated_column_names_are_told_apart() -> None:
    file = io.BytesIO(b"phone,,tag,tag,,\n+33612345678,a,b,c,,\n")
    head = read_head(file, encoding="utf-8", default_country="")
    assert head.shape.header == ("phone", "Column 2", "tag", "tag (2)")
    assert head.repeated == ("tag",)


def test_quoted_line_breaks_stay_in_their_field_and_lines_are_counted_as_an_editor_counts_them() -> None:
    _, records = read(b'phone,note\n\n+33612345678,"two\nlines, one ""field"""\n,\n+33612345679,x\n')
    assert records == [(3, ["+33612345678", 'two\nlines, one "field"']), (6, ["+33612345679", "x"])]


HOSTILE = {
    "nothing": (b"", "The file is empty."),
    "only a byte order mark": (b"\xef\xbb\xbf", "The file is empty."),
    "only blank lines": (b"\n\r\n\n,,,\n", "The file is empty."),
    "only a header": (b"phone,name\n", "The file has a header and no rows below it."),
    "an Excel workbook": (
        b"PK\x03\x04" + bytes(100),
        "This is an Excel workbook or a zip archive, not a CSV file: open it and export it as CSV.",
    ),
    "an old Excel workbook": (
        b"\xd0\xcf\x11\xe0" + bytes(100),
        "This is an old Excel workbook, not a CSV file: open it and export it as CSV.",
    ),
    "UTF-8 cut in the middle": (
        "phone,name\n+33612345678,Zoë\n+33612345679,José".encode()[:-1],
        "Line 3 is not valid UTF-8 text. Export the file again as “CSV UTF-8”.",
    ),
    "UTF-8 and Windows-1252 mixed": (
        "phone,name\n+33612345678,Zoë\n".encode() + "+33612345679,José\n".encode("cp1252"),
        "Line 3 is not valid UTF-8 text. Export the file again as “CSV UTF-8”.",
    ),
    "bytes of no encoding": (
        b"phone,name\n+33612345678,\x81\x8d\n",
        "Line 2 is not valid UTF-8 text. Export the file again as “CSV UTF-8”.",
    ),
    "half a UTF-16 character": (
        "phone,name\n+33612345678,Zoë\n".encode("utf-16") + b"\x00",
        "Line 3 is not valid UTF-16 text. Export the file again as “CSV UTF-8”.",
    ),
    "UTF-16 without its mark": (
        "phone,name\n+33612345678,Ann\n".encode("utf-16-le"),
        "Line 1 contains a NUL character: this is not a text file, or UTF-16 without its byte order mark. "
        "Export it again as “CSV UTF-8”.",
    ),
    "a NUL further down": (
        b"phone,name\n" + b"+33612345678,Ann\n" * 5000 + b"+33612345678,A\0n\n",
        "Line 5002 contains a NUL character: this is not a text file, or UTF-16 without its byte order mark. "
        "Export it again as “CSV UTF-8”.",
    ),
    "a quote never closed": (
        b'phone,name\n+33612345678,"Ann\n+33612345679,Bea\n',
        "The row on line 2 opens a quote that is never closed. Close it, or double it to mean the sign.",
    ),
    "a quote never closed in a long file": (
        b'phone,name\n+33612345678,"Ann\n' + b"+33612345679,Bea\n" * 10_000,
        "The row on line 2 does not end within 65,536 characters: a quote opened in it is probably never closed.",
    ),
    "text after a closing quote": (
        b'phone,name\n+33612345678,"Ann" Miller\n',
        "Line 2 has text after a closing quote. A quote inside a quoted field must be doubled.",
    ),
    "a line of ten megabytes": (
        b"phone,name\n+33612345678,Ann\n" + b"x" * (10 * MEGABYTE) + b"\n",
        "Line 3 is longer than 65,536 characters: this is not a list of contacts, one per line.",
    ),
    "a first line of ten megabytes": (
        b"x" * (10 * MEGABYTE),
        "Line 1 is longer than 65,536 characters: this is not a list of contacts, one per line.",
    ),
    "too many columns": (
        b",".join(b"c%d" % n for n in range(201)) + b"\n+33612345678\n",
        "The file has 201 columns; at most 200 can be imported.",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(case: str) -> None:
    data, expected = HOSTILE[case]
    with pytest.raises(ImportProblem) as refused:
        read(data)
    assert refused.value.message == expected


def test_a_long_line_is_refused_without_being_loaded() -> None:
    file = io.BytesIO(b"phone,name\n" + b"+33612345678,Ann\n" * 60 + b"x" * (20 * MEGABYTE))
    tracemalloc.start()
    try:
        shape = read_head(file, encoding="utf-8", default_country="").shape
        with pytest.raises(ImportProblem):
            list(read_records(file, shape))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(d, e) for d in ",;\t|" for e in ("utf-8", "utf-8-sig", "utf-16", "cp1252")],
)
@given(data=st.data())
def test_what_a_csv_writer_writes_comes_back_equal(delimiter: str, encoding: str, data: st.DataObject) -> None:
    codec = "cp1252" if encoding == "cp1252" else "utf-8"
    cells = st.text(st.characters(codec=codec, exclude_characters="\0"), max_size=20)
    width = data.draw(st.integers(1, 5))
    rows = data.draw(st.lists(st.lists(cells, min_size=width, max_size=width).filter(any), max_size=8))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([f"column {n}" for n in range(width)])
    writer.writerows(rows)
    shape = Shape(encoding, delimiter, tuple(f"column {n}" for n in range(width)), has_header=True)
    file = io.BytesIO(text.getvalue().encode(encoding))
    assert [cells for _, cells in read_records(file, shape)] == rows


@given(rows=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5))
def test_no_text_makes_the_reader_crash(rows: list[str]) -> None:
    with suppress(ImportProblem):
        read("\n".join(rows).encode())


@given(data=st.binary(max_size=400))
def test_no_bytes_make_the_reader_crash(data: bytes) -> None:
    with suppress(ImportProblem):
        read(data)


def test_a_record_of_the_greatest_length_is_still_read() -> None:
    row = f"+33612345678,{'x' * (MAX_RECORD - 14)}\n"
    _, records = read(("phone,note\n" + row).encode())
    assert len(records[0][1][1]) == MAX_RECORD - 14
