"""Who a campaign goes to: everyone on its lists, less everyone on the lists it leaves out. Always one SQL set.

What a contact lacks of a template's variables is counted here in SQL and found at rendering from
`templating.contact_context`; the two agree on what is blank.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns import languages, templating
from campaigns.models import Campaign
from contacts import phone, whereabouts
from contacts.consents import standing
from contacts.consents.standing import Standing
from contacts.models import Contact

#: The contact's own fields that templates may name.
COLUMNS = ("name", "phone", "language", "country")

#: How many of the newest contacts show which attributes there are.
_ATTRIBUTE_SAMPLE = 1000

#: "+", a calling code and the area of a shared one: what `by_country` tells a country by, all but the rarest.
_STEM = 7

_INCLUDED = "SELECT contact_id FROM contacts_membership WHERE contact_list_id = ANY(%(include)s)"
_EXCLUDED = "SELECT contact_id FROM contacts_membership WHERE contact_list_id = ANY(%(exclude)s)"

#: The audience's contact ids, each once. Its parameters come from `parameters`. EXCEPT sorts or hashes, so that no
#: stale statistics can turn it into a loop over everybody for everybody.
SELECT_IDS = f"{_INCLUDED} EXCEPT {_EXCLUDED}"

_MAY_BE_TEXTED = """NOT EXISTS (SELECT 1 FROM contacts_suppression AS suppression
    WHERE suppression.phone = contact.phone AND suppression.scope = '' AND suppression.lifted_at IS NULL)"""
#: Numbers that a sender must not text; where the routes choose one, those that nobody must.
_STOPPED = "SELECT DISTINCT phone FROM contacts_suppression WHERE lifted_at IS NULL AND scope IN ('', %(sender)s)"


def parameters(campaign: Campaign) -> dict[str, Any]:
    """What SELECT_IDS needs: the ids of the campaign's lists."""
    return {
        "include": list(campaign.include.order_by("pk").values_list("pk", flat=True)),
        "exclude": list(campaign.exclude.order_by("pk").values_list("pk", flat=True)),
    }


def known_variables() -> frozenset[str]:
    """Variables that contacts have: their fields, and the attributes found on the newest of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT jsonb_object_keys(attributes) FROM (
                   SELECT attributes FROM contacts_contact WHERE jsonb_typeof(attributes) = 'object'
                   ORDER BY id DESC LIMIT %s) AS newest""",
            [_ATTRIBUTE_SAMPLE],
        )
        return frozenset(COLUMNS) | {"first_name"} | {key for (key,) in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Readers:
    """Those of an audience who would get one of these texts of a template that has texts in the languages `known`."""

    known: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Required:
    """A variable without which its `readers` cannot get their text; no readers: nobody can."""

    variable: str
    readers: tuple[Readers, ...] = ()


def required_by(templates: Iterable[Mapping[str, str]]) -> list[Required]:
    """What each of these templates' texts, by language, cannot be rendered without. Raises templating.TemplateError."""
    found: dict[str, list[Readers]] = {}
    needed_by_all: set[str] = set()
    for texts in templates:
        known = tuple(sorted(texts.keys() - {languages.DEFAULT}))
        needing: dict[str, list[str]] = {}
        for language, body in texts.items():
            for variable in templating.variables(body):
                if variable.required:
                    needing.setdefault(variable.name, []).append(language)
        for name, those in needing.items():
            found.setdefault(name, []).append(Readers(known, tuple(those)))
        needed_by_all |= {name for name, those in needing.items() if len(those) == len(texts)}
    return [Required(name, () if name in needed_by_all else tuple(readers)) for name, readers in found.items()]


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable that some contacts of an audience lack, and how many."""

    variable: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Survey:
    """An audience at this moment. Who lacks a variable is counted among those who may be texted."""

    size: int
    suppressed: int
    withdrawn: int
    """Of those who are not suppressed: who took their consent to its purpose back."""
    unrecorded: int
    """And those of whom none is recorded."""
    missing: tuple[Missing, ...]


def survey(campaign: Campaign, required: Sequence[Required], *, sender: str = "") -> Survey:
    """Count the audience, and in the same pass who is suppressed and who lacks which required variable.

    `sender` is the address of the one that texts will leave by; "": the routes choose.
    """
    values = parameters(campaign) | {"sender": sender} | standing.parameters(campaign.purpose, sender)
    counts = []
    for index, needed in enumerate(required):
        condition, values[f"path{index}"] = _lacks(needed.variable, f"%(path{index})s")
        reads, of_readers = _reads(needed.readers, f"readers{index}")
        values |= of_readers
        counts.append(f", count(*) FILTER (WHERE suppression.phone IS NULL AND {condition} AND {reads})")
    query = f"""
        WITH audience AS MATERIALIZED ({SELECT_IDS})
        SELECT count(*), count(suppression.phone),
               count(*) FILTER (WHERE suppression.phone IS NULL AND said.standing = '{Standing.WITHDRAWN}'),
               count(*) FILTER (WHERE suppression.phone IS NULL AND said.standing IS NULL) {"".join(counts)}
        FROM audience
        JOIN contacts_contact AS contact ON contact.id = audience.contact_id
        LEFT JOIN ({_STOPPED}) AS suppression ON suppression.phone = contact.phone
        LEFT JOIN ({standing.EVERYBODY_SQL}) AS said ON said.phone = contact.phone"""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        size, suppressed, withdrawn, unrecorded, *lacking = cursor.fetchone()
    missing = tuple(Missing(one.variable, count) for one, count in zip(required, lacking, strict=True) if count)
    return Survey(size, suppressed, withdrawn, unrecorded, missing)


def by_country(campaign: Campaign) -> list[tuple[str, int]]:
    """How many of those who may be texted are in each country, by their numbers.

    Numbers that share their first digits share a country: told are apart no more of them than there are such stems.
    """
    query = f"""
        SELECT left(contact.phone, {_STEM}), count(*), min(contact.phone)
        FROM ({SELECT_IDS}) AS audience JOIN contacts_contact AS contact ON contact.id = audience.contact_id
        WHERE {_MAY_BE_TEXTED}
        GROUP BY 1"""
    found: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(query, parameters(campaign))
        for _, contacts, example in cursor:
            found[phone.country(example)] += contacts
    return found.most_common()


def by_whereabouts(campaign: Campaign) -> Iterator[tuple[str, whereabouts.Hints, int]]:
    """An example of the numbers, what contacts say of where they are, and how many of those who may be texted are like
    that. Read in pages: there are as many as there are postal codes and time zones in so many area codes.

    Numbers that share their first digits are taken to be at one place, as in `by_country`.
    """
    query = f"""
        SELECT min(contact.phone), {whereabouts.HINTS_SQL}, count(*)
        FROM ({SELECT_IDS}) AS audience JOIN contacts_contact AS contact ON contact.id = audience.contact_id
        WHERE {_MAY_BE_TEXTED}
        GROUP BY left(contact.phone, {_STEM + 1}), 2, 3, 4"""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters(campaign))
        for example, time_zone, state, postal_code, contacts in cursor:
            yield example, whereabouts.Hints(time_zone, state, postal_code), contacts


#: A SELECT of the numbers of those who may be texted. Its parameters come from `parameters`.
SELECT_PHONES = f"""
SELECT contact.phone
FROM ({SELECT_IDS}) AS audience JOIN contacts_contact AS contact ON contact.id = audience.contact_id
WHERE {_MAY_BE_TEXTED}
"""


def sample(campaign: Campaign, limit: int) -> list[Contact]:
    """Up to so many contacts of the audience, found without reading all of it."""
    query = f"""
        SELECT contact.* FROM contacts_contact AS contact
        WHERE id IN (SELECT contact_id FROM ({_INCLUDED}) AS member
                     WHERE NOT EXISTS ({_EXCLUDED} AND contact_id = member.contact_id) LIMIT %(limit)s)
        ORDER BY id"""
    return list(Contact.objects.raw(query, parameters(campaign) | {"limit": limit}))


def _reads(readers: Sequence[Readers], name: str) -> tuple[str, dict[str, list[str]]]:
    """A SQL condition on `contact`, true where it is one of the readers, and its parameters, called by this name."""
    conditions: list[str] = []
    values: dict[str, list[str]] = {}
    for index, one in enumerate(readers):
        known, texts = f"{name}_known{index}", f"{name}_texts{index}"
        conditions.append(f"{languages.chosen_sql('contact.language', f'%({known})s')} = ANY(%({texts})s::text[])")
        values |= {known: list(one.known), texts: list(one.texts)}
    return f"({' OR '.join(conditions) or 'true'})", values


def _lacks(variable: str, placeholder: str) -> tuple[str, list[str]]:
    """A SQL condition on `contact`, true where it has no value for the variable, and the path it takes."""
    name, *below = variable.removeprefix("attributes.").split(".")
    if variable == "attributes":
        return f"{placeholder}::text[] IS NULL", []
    if below and below[-1] in ("size", "first", "last"):
        below.pop()
    if below:
        return f"(contact.attributes #> {placeholder}::text[]) IS NULL", [name, *below]
    sources = [f"contact.attributes #>> {placeholder}::text[]"]
    if not variable.startswith("attributes."):
        if name in COLUMNS:
            sources.append(f"contact.{name}")
        elif name == "first_name":
            sources.append("contact.name")
    return " AND ".join(f"coalesce({source}, '') !~ '\\S'" for source in sources), [name]
