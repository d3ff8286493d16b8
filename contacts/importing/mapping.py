"""Which column of a file becomes which field of a contact: guessed, then changeable.

A mapping is `{column name: target}`; a target is one of `FIELDS`, `attribute:<key>`, or `ignore`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext

from contacts.importing.values import country_code, language_tag, moment, time_zone_name
from contacts.importing.words import plain
from contacts.phone import InvalidPhone, normalise

#: Wanting no texts: of several columns any may say it, and none that may is passed over.
OPTED_OUT = "opted_out"
#: Of the person, and of the consent, or the want of it, that the file brings along.
FIELDS = (
    *("phone", "name", "first_name", "last_name", "language", "time_zone", "country"),
    *("consent_source", "consent_at", OPTED_OUT),
)
IGNORE = "ignore"
ATTRIBUTE = "attribute:"

# A share of the filled sample cells; below it a column is not what its header or its looks say.
_ENOUGH = 0.7

# In English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, in this order where
# they differ. Written as `plain` writes: lower case, without accents and punctuation.
_HEADERS = {
    "phone": """phone|phone number|mobile|mobile phone|mobile number|cell|cell phone|cellphone|telephone|tel|msisdn
        |number|sms|whatsapp|telefon|telefonnummer|handy|handynummer|mobil|mobilnummer|mobiltelefon|rufnummer
        |telephone portable|portable|numero|numero de telephone|mobile telephone|telefono|telefono movil|movil
        |celular|numero de telefono|telefone|telemovel|numero de telefone|cellulare|numero di telefono|telefoonnummer
        |mobiel|mobiele nummer|numer telefonu|telefon komorkowy|komorka|telefon numarasi|cep telefonu|cep|телефон
        |номер телефона|мобильныи телефон|мобильныи""",
    "name": """name|full name|fullname|contact|contact name|customer|customer name|vollstandiger name|kunde
        |nom complet|nom et prenom|nombre completo|nombre y apellidos|nome completo|volledige naam|naam
        |imie i nazwisko|ad soyad|adi soyadi|фио|имя и фамилия|полное имя""",
    "first_name": """first name|firstname|given name|forename|vorname|prenom|nombre|primeiro nome|nome|voornaam|imie
        |ad|adi|имя""",
    "last_name": """last name|lastname|surname|family name|nachname|familienname|nom|nom de famille|apellido|apellidos
        |sobrenome|apelido|cognome|achternaam|nazwisko|soyad|soyadi|фамилия""",
    "language": """language|lang|locale|language code|sprache|langue|idioma|lingua|taal|jezyk|dil|язык""",
    "time_zone": """time zone|timezone|tz|zeitzone|fuseau horaire|zona horaria|fuso horario|fuso orario|tijdzone
        |strefa czasowa|saat dilimi|часовои пояс""",
    "consent_source": """consent source|source of consent|opt in source|optin source|opt in channel
        |quelle der einwilligung|einwilligungsquelle|source du consentement|origen del consentimiento
        |origem do consentimento|fonte del consenso|bron van toestemming|zrodlo zgody|izin kaynagi
        |источник согласия""",
    "consent_at": """consent date|date of consent|consent at|consented at|opt in date|optin date|opt in at|opted in at
        |einwilligungsdatum|einwilligung am|datum der einwilligung|date du consentement|date de consentement
        |fecha del consentimiento|fecha de consentimiento|data do consentimento|data de consentimento
        |data del consenso|datum toestemming|data zgody|izin tarihi|дата согласия""",
    OPTED_OUT: """opted out|opt out|optout|opted out at|opt out date|optout date|sms opt out|sms optout|no ads|no ad
        |no advertising|no marketing|no sms|no texts|no text messages|no messages|no contact|do not text|do not sms
        |do not contact|do not message|do not disturb|dnc|dnd|unsubscribe|unsubscribed|unsubscribed at
        |unsubscribe date|unsub|suppressed|blacklisted|keine werbung|keine sms|keine texte|keine nachrichten
        |werbesperre|werbung gesperrt|werbung unerwunscht|werbewiderspruch|widerspruch werbung|abgemeldet
        |abgemeldet am|nicht kontaktieren|nicht anschreiben|kontaktsperre|sperrvermerk|robinson
        |desabonne|desinscrit|pas de publicite|pas de sms|sans publicite|dado de baja|baja|sin publicidad|no publicidad
        |descadastrado|sem publicidade|disiscritto|niente pubblicita|no pubblicita|afgemeld|uitgeschreven|geen reclame
        |wypisany|bez reklam|reklam istemiyor|отписан|без рекламы""",
    "country": """country|country code|land|landercode|pays|code pays|pais|paese|kraj|ulke|страна""",
}
_TARGET_OF = {name.strip(): target for target, names in _HEADERS.items() for name in names.split("|")}
# The columns that a file of rejected rows begins with: a corrected one can be imported as it is.
REJECTED_COLUMNS = ("line", "reason", "message")

_KEY = re.compile(r"[^\W\d]\w{0,63}").fullmatch


def guess(*, header: Sequence[str], samples: Sequence[Sequence[str]], default_country: str) -> dict[str, str]:
    """A mapping for these columns, by their names and by what stands in the sample rows.

    What fits no field becomes an attribute named after its column; empty columns are ignored. The guess is a
    valid mapping whenever a column of phone numbers can be found.
    """

    def share(column: int, fits: Callable[[str], object]) -> float:
        cells = [row[column].strip() for row in samples if column < len(row) and row[column].strip()]
        return sum(map(bool, map(fits, cells))) / len(cells) if cells else 0.0

    def is_phone(cell: str) -> bool:
        try:
            return bool(normalise(cell, default_country=default_country or None))
        except InvalidPhone:
            return False

    named = [_TARGET_OF.get(plain(column), "") for column in header]
    taken: dict[str, int] = {}
    # Looks first, then the name: "Number" may be a customer's, and a column of phones may be called "Column 3".
    phones = [(round(share(at, is_phone), 1), named[at] == "phone", -at) for at in range(len(header))]
    best = max(phones, default=(0.0, False, 0))
    if best[0] >= _ENOUGH:
        taken["phone"] = -best[2]
    elif "phone" in named:
        taken["phone"] = named.index("phone")
    for target in ("name", "first_name", "last_name"):
        if target in named:
            taken.setdefault(target, named.index(target))
    if "name" in taken:
        # A full name says more than half of one, and less than both halves.
        for target in ("name",) if {"first_name", "last_name"} <= taken.keys() else ("first_name", "last_name"):
            taken.pop(target, None)
    for target, fits in (("language", language_tag), ("time_zone", time_zone_name), ("country", country_code)):
        if target in named and share(named.index(target), fits) >= _ENOUGH:
            taken[target] = named.index(target)

    if "consent_source" in named:
        taken["consent_source"] = named.index("consent_source")
    if "consent_at" in named and share(named.index("consent_at"), moment) >= _ENOUGH:
        taken["consent_at"] = named.index("consent_at")

    target_at = {column: target for target, column in taken.items()}
    # By the name alone: what stands there is read row by row, and a row that is not understood is not imported. To
    # keep such a column as an attribute, or leave it out as its first cells are empty, would text these people.
    target_at |= {at: OPTED_OUT for at, target in enumerate(named) if target == OPTED_OUT}
    skipped = len(REJECTED_COLUMNS) if tuple(header[: len(REJECTED_COLUMNS)]) == REJECTED_COLUMNS else 0
    mapping: dict[str, str] = {}
    for at, column in enumerate(header):
        target = target_at.get(at, IGNORE)
        if target == IGNORE and at >= skipped and share(at, bool):
            key = attribute_key(column)
            if key and f"{ATTRIBUTE}{key}" not in mapping.values():
                target = f"{ATTRIBUTE}{key}"
        mapping[column] = target
    return mapping


def known_as(column: str) -> str:
    """The field that a column of this name is for, in any of the languages that are known here; "" for none."""
    return _TARGET_OF.get(plain(column), "")


def problems(*, header: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """What is wrong with a mapping, a sentence each; empty if it can be used."""
    no_column = gettext("The file has no column “%(column)s”.")
    found = [no_column % {"column": column} for column in mapping if column not in header]
    for column, target in mapping.items():
        if target.startswith(ATTRIBUTE):
            key = target.removeprefix(ATTRIBUTE)
            if key in FIELDS:
                known = gettext("“%(column)s”: contacts have a “%(name)s” already; give the attribute another name.")
                found.append(known % {"column": column, "name": key})
            elif not _KEY(key):
                odd = gettext("“%(column)s”: name the attribute with letters, digits and underscores, a letter first.")
                found.append(odd % {"column": column})
        elif target != IGNORE and target not in FIELDS:
            no_field = gettext("“%(column)s” cannot become “%(target)s”: there is no such field.")
            found.append(no_field % {"column": column, "target": target})
    times = Counter(target for target in mapping.values() if target not in (IGNORE, OPTED_OUT))
    twice = gettext("Two columns become “%(target)s”: keep one.")
    found += [twice % {"target": target} for target, count in times.items() if count > 1]
    if not times["phone"]:
        found.append(gettext("No column is the phone number: choose it."))
    if times["name"] and (times["first_name"] or times["last_name"]):
        found.append(gettext("Choose either the name, or first and last name."))
    return found


def attribute_key(column: str) -> str:
    """The name under which templates know a column: "Favourite colour" becomes `favourite_colour`; may be "".

    Never that of a field: an attribute `country` would stand in the shadow of the contact's country.
    """
    key = re.sub(r"\W+", "_", plain(column)).strip("_")
    if key in FIELDS:
        return f"other_{key}"
    return (f"column_{key}" if key[:1].isdigit() else key)[:64]
