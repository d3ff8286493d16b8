"""Columns find their fields, by what they are called and by what stands in them."""

import pytest

from contacts.importing.mapping import attribute_key, guess, problems


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (["Phone", "Name"], ["+33612345678", "Ann"], {"Phone": "phone", "Name": "name"}),
        (
            ["Vorname", "Nachname", "Handynummer", "Sprache"],
            ["Ann", "Miller", "+33612345678", "de"],
            {"Vorname": "first_name", "Nachname": "last_name", "Handynummer": "phone", "Sprache": "language"},
        ),
        (
            ["Prénom", "NOM", "Téléphone portable", "Pays"],
            ["Ann", "Miller", "+33612345678", "FR"],
            {"Prénom": "first_name", "NOM": "last_name", "Téléphone portable": "phone", "Pays": "country"},
        ),
        (
            ["Número de teléfono", "Nombre", "Apellidos", "Zona_Horaria"],
            ["+33612345678", "Ann", "Miller", "Europe/Madrid"],
            {
                "Número de teléfono": "phone",
                "Nombre": "first_name",
                "Apellidos": "last_name",
                "Zona_Horaria": "time_zone",
            },
        ),
        (["Номер телефона", "Имя"], ["+33612345678", "Анна"], {"Номер телефона": "phone", "Имя": "first_name"}),
        (["Soyadı", "Cep telefonu"], ["Yıldız", "+33612345678"], {"Soyadı": "last_name", "Cep telefonu": "phone"}),
        # Called nothing telling, but full of phone numbers.
        (["Ref", "Column 2"], ["A-17", "+33612345678"], {"Ref": "attribute:ref", "Column 2": "phone"}),
        # Called a number, but it is the customer's.
        (["Number", "Cell"], ["17", "+33612345678"], {"Number": "attribute:number", "Cell": "phone"}),
        # Called a country, but written out: kept as an attribute rather than refused row by row.
        (["Phone", "Country"], ["+33612345678", "France"], {"Phone": "phone", "Country": "attribute:other_country"}),
        (["Phone", "Favourite colour"], ["+33612345678", "red"], {"Favourite colour": "attribute:favourite_colour"}),
        (["Phone", "Empty"], ["+33612345678", ""], {"Empty": "ignore"}),
        (["Phone", "Mobile"], ["+33612345678", "+33612345679"], {"Phone": "phone", "Mobile": "attribute:mobile"}),
        (
            ["Phone", "Name", "First name"],
            ["+33612345678", "Ann Miller", "Ann"],
            {"Name": "name", "First name": "attribute:other_first_name"},
        ),
        (
            ["Phone", "Name", "First name", "Last name"],
            ["+33612345678", "Ann Miller", "Ann", "Miller"],
            {"Name": "attribute:other_name", "First name": "first_name", "Last name": "last_name"},
        ),
        # A corrected file of rejected rows.
        (
            ["line", "reason", "message", "Phone", "City"],
            ["7", "too_short", "The number is too short.", "+33612345678", "Lyon"],
            {"line": "ignore", "reason": "ignore", "message": "ignore", "Phone": "phone", "City": "attribute:city"},
        ),
    ],
)
def test_the_guess(header: list[str], row: list[str], expected: dict[str, str]) -> None:
    mapping = guess(header=header, samples=[row], default_country="US")
    assert mapping | expected == mapping
    assert list(mapping) == header
    assert problems(header=header, mapping=mapping) == []


def test_national_numbers_are_recognised_with_the_default_country() -> None:
    samples = [["0612345678"], ["06 12 34 56 79"], ["none"], ["0612345680"]]
    assert guess(header=["x"], samples=samples, default_country="FR") == {"x": "phone"}
    assert guess(header=["x"], samples=samples, default_country="")["x"] != "phone"


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"a": "name"}, "No column is the phone number: choose it."),
        ({"a": "phone", "b": "phone"}, "Two columns become “phone”: keep one."),
        ({"a": "phone", "b": "attribute:x", "c": "attribute:x"}, "Two columns become “attribute:x”: keep one."),
        ({"a": "phone", "b": "birthday"}, "“b” cannot become “birthday”: there is no such field."),
        ({"a": "phone", "z": "name"}, "The file has no column “z”."),
        ({"a": "phone", "b": "name", "c": "last_name"}, "Choose either the name, or first and last name."),
        (
            {"a": "phone", "b": "attribute:country"},
            "“b”: contacts have a “country” already; give the attribute another name.",
        ),
        (
            {"a": "phone", "b": "attribute:1 x"},
            "“b”: name the attribute with letters, digits and underscores, a letter first.",
        ),
        (
            {"a": "phone", "b": "attribute:"},
            "“b”: name the attribute with letters, digits and underscores, a letter first.",
        ),
    ],
)
def test_a_mapping_that_cannot_be_used_is_explained(mapping: dict[str, str], problem: str) -> None:
    assert problems(header=["a", "b", "c"], mapping=mapping) == [problem]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("Favourite colour", "favourite_colour"),
        ("E-Mail", "e_mail"),
        ("Größe", "große"),
        ("2nd", "column_2nd"),
        ("Город", "город"),
        ("!!!", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_attribute_keys(column: str, key: str) -> None:
    assert attribute_key(column) in (key, key.replace("ß", "ss"))
