"""Who a campaign goes to: everyone on its lists who meets its rules, less everyone on the lists it leaves out. Always
one SQL set.

What a contact lacks of a template's variables is counted here in SQL and found at rendering from
`templating.contact_context`; the two agree on what is blank.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns import audience_rules, audience_where, consenting, languages, templating
from campaigns.audience_rules import ATTRIBUTE, Group
from campaigns.models import Campaign
from contacts import phone, whereabouts
from contacts.consents import standing
from contacts.consents.standing import Standing
from contacts.models import Contact
from delivery import clock

#: The contact's own fields that templates may name.
COLUMNS = ("name", "phone", "language", "country")

#: How many of the newest contacts show which attributes there are.
_ATTRIBUTE_SAMPLE = 1000

#: "+", a calling code and the area of a shared one: what `by_country` tells a country by, all but the rarest.
_STEM = 7

_INCLUDED = "SELECT contact_id FROM contacts_membership WHERE contact_list_id = ANY(%(include)s)"
_EXCLUDED = "SELECT contact_id FROM contacts_membership WHERE contact_list_id = ANY(%(exclude)s)"
# EXCEPT sorts or hashes, so that no stale statistics can turn it into a loop over everybody for everybody.
_LISTED = f"{_INCLUDED}{{part}} EXCEPT {_EXCLUDED}"
_PART = " AND mod(hashint8extended(contact_id, 0), %(one_in)s) = 0"
_RULED = """
SELECT listed.contact_id FROM ({listed}) AS listed JOIN contacts_contact AS contact ON contact.id = listed.contact_id
{joins} WHERE {condition}"""

# Each person on the lists once, and on how many of them.
_PLACES = f"""
SELECT coalesce(sum(member.lists), 0), count(*), count(excluded.contact_id),
       count(*) FILTER (WHERE member.lists > 1 AND excluded.contact_id IS NULL)
FROM (SELECT contact_id, count(*) AS lists FROM ({_INCLUDED}{{part}}) AS each GROUP BY contact_id) AS member
LEFT JOIN (SELECT DISTINCT contact_id FROM ({_EXCLUDED}) AS each) AS excluded USING (contact_id)"""

# The names first, each at most one walk over the lists that ends at the first person who has it.
_LACKED = rf"""
SELECT name FROM unnest(%(names)s::text[]) AS asked (name)
WHERE NOT EXISTS (SELECT 1 FROM ({_INCLUDED}) AS member JOIN contacts_contact AS contact ON contact.id = contact_id
                  WHERE contact.attributes ->> asked.name ~ '\S')
ORDER BY name"""

#: Numbers that a sender must not text; where the routes choose one, those that nobody must.
_STOPPED = "SELECT DISTINCT phone FROM contacts_suppression WHERE lifted_at IS NULL AND scope IN ('', %(sender)s)"
# An audience with what stands in the way of each contact's text.
_PEOPLE = f"""
audience JOIN contacts_contact AS contact ON contact.id = audience.contact_id
LEFT JOIN ({_STOPPED}) AS suppression ON suppression.phone = contact.phone
LEFT JOIN ({standing.EVERYBODY_SQL}) AS said ON said.phone = contact.phone"""
_NUMBERS = "SELECT one.phone FROM audience JOIN contacts_contact AS one ON one.id = audience.contact_id"
_A_PART_OF_THEM = _PEOPLE.replace(standing.EVERYBODY_SQL, standing.among_sql(_NUMBERS))
_MAY_BE_TEXTED = f"suppression.phone IS NULL AND COALESCE(said.standing, %(unsaid)s) = '{Standing.GRANTED}'"


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT of something of an audience, and the values of its placeholders."""

    sql: str
    values: dict[str, Any]


def rules(campaign: Campaign) -> Group:
    """What narrows its lists. Raises RulesError where what was kept can no longer be understood."""
    return audience_rules.parse(campaign.rules)


def contact_ids(campaign: Campaign, *, one_in: int = 1) -> Selection:
    """The audience's `contact_id`s, each once; or of about one in so many of them, always the same ones.

    Raises RulesError.
    """
    listed = _LISTED.format(part=_PART if one_in > 1 else "")
    values = list_ids(campaign) | {"one_in": one_in}
    found = rules(campaign)
    if found == audience_rules.EVERYBODY:
        return Selection(listed, values)
    where = audience_where.where(found, clock.now())
    return Selection(_RULED.format(listed=listed, joins=where.joins, condition=where.sql), {**values, **where.values})


def list_ids(campaign: Campaign) -> dict[str, Any]:
    return {
        "include": list(campaign.include.order_by("pk").values_list("pk", flat=True)),
        "exclude": list(campaign.exclude.order_by("pk").values_list("pk", flat=True)),
    }


@dataclass(frozen=True, slots=True)
class OnLists:
    """Places on the lists of a campaign and people on them, whatever its rules are; of these, who is on one that it
    leaves out, and of the others who is on several."""

    places: int
    people: int
    excluded: int
    several: int


def on_lists(campaign: Campaign, *, one_in: int = 1) -> OnLists:
    """Of everybody, or of about one in so many."""
    with connection.cursor() as cursor:
        query = _PLACES.format(part=_PART if one_in > 1 else "")
        cursor.execute(query, list_ids(campaign) | {"one_in": one_in})
        return OnLists(*map(int, cursor.fetchone()))


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


def unknown_attributes(campaign: Campaign) -> list[str]:
    """Of the attributes that its rules ask for those that nobody on its lists has: a negation lets everybody pass
    then, and anything else nobody. Looks at everybody for each of these. Raises RulesError."""
    asked = {one.field for one in audience_rules.conditions(rules(campaign)) if one.field.startswith(ATTRIBUTE)}
    if not asked:
        return []
    names = sorted(field.removeprefix(ATTRIBUTE) for field in asked)
    with connection.cursor() as cursor:
        cursor.execute(_LACKED, list_ids(campaign) | {"names": names})
        return [name for (name,) in cursor.fetchall()]


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

    `sender` is the address of the one that texts will leave by; "": the routes choose. Raises RulesError.
    """
    chosen = contact_ids(campaign)
    values = chosen.values | _leave(campaign, sender)
    counts = []
    for index, needed in enumerate(required):
        condition, values[f"path{index}"] = _lacks(needed.variable, f"%(path{index})s")
        reads, of_readers = _reads(needed.readers, f"readers{index}")
        values |= of_readers
        counts.append(f", count(*) FILTER (WHERE suppression.phone IS NULL AND {condition} AND {reads})")
    query = f"""
        WITH audience AS MATERIALIZED ({chosen.sql})
        SELECT count(*), count(suppression.phone),
               count(*) FILTER (WHERE suppression.phone IS NULL AND said.standing = '{Standing.WITHDRAWN}'),
               count(*) FILTER (WHERE suppression.phone IS NULL AND said.standing IS NULL) {"".join(counts)}
        FROM {_PEOPLE}"""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        size, suppressed, withdrawn, unrecorded, *lacking = cursor.fetchone()
    missing = tuple(Missing(one.variable, count) for one, count in zip(required, lacking, strict=True) if count)
    return Survey(size, suppressed, withdrawn, unrecorded, missing)


@dataclass(frozen=True, slots=True)
class Cluster:
    """People of an audience who are at one place, as far as anybody knows, and may all be texted, or none of them.

    `leave` is Standing.GRANTED where they may as far as consent goes, NONE where it would have to be recorded,
    WITHDRAWN; or SUPPRESSED. Numbers that share their first digits are taken to be at one place.
    """

    leave: str
    example: str
    """One of the numbers."""
    hints: whereabouts.Hints
    people: int


#: The `leave` of those who must not be texted at all.
SUPPRESSED = "suppressed"


def clusters(campaign: Campaign, *, sender: str = "", one_in: int = 1) -> Iterator[Cluster]:
    """The whole audience, or one in so many of it; read in pages: there are as many as there are postal codes and time
    zones in so many area codes. Raises RulesError."""
    chosen = contact_ids(campaign, one_in=one_in)
    leave = f"CASE WHEN suppression.phone IS NULL THEN COALESCE(said.standing, %(unsaid)s) ELSE '{SUPPRESSED}' END"
    query = f"""
        WITH audience AS MATERIALIZED ({chosen.sql})
        SELECT {leave}, min(contact.phone), {whereabouts.HINTS_SQL}, count(*)
        FROM {_A_PART_OF_THEM if one_in > 1 else _PEOPLE}
        GROUP BY left(contact.phone, {_STEM + 1}), 1, 3, 4, 5"""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, chosen.values | _leave(campaign, sender))
        for of_leave, example, time_zone, state, postal_code, people in cursor:
            yield Cluster(of_leave, example, whereabouts.Hints(time_zone, state, postal_code), people)


def by_country(campaign: Campaign, *, sender: str = "") -> list[tuple[str, int]]:
    """How many of those who may be texted are in each country, by their numbers.

    Numbers that share their first digits share a country: told are apart no more of them than there are such stems.
    Raises RulesError.
    """
    chosen = phones(campaign, sender=sender)
    query = f"""
        SELECT left(phone, {_STEM}), count(*), min(phone) FROM ({chosen.sql}) AS texted GROUP BY 1"""
    found: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(query, chosen.values)
        for _, contacts, example in cursor:
            found[phone.country(example)] += contacts
    return found.most_common()


def by_language(campaign: Campaign, *, one_in: int = 1) -> dict[str, int]:
    """How many of everybody, or of about one in so many, have each language, as it is written. Raises RulesError."""
    chosen = contact_ids(campaign, one_in=one_in)
    query = f"""
        SELECT contact.language, count(*) FROM ({chosen.sql}) AS audience
        JOIN contacts_contact AS contact ON contact.id = audience.contact_id GROUP BY 1"""
    with connection.cursor() as cursor:
        cursor.execute(query, chosen.values)
        return dict(cursor.fetchall())


def phones(campaign: Campaign, *, sender: str = "", one_in: int = 1) -> Selection:
    """The numbers of those who may be texted. Raises RulesError."""
    chosen = contact_ids(campaign, one_in=one_in)
    return Selection(
        f"""WITH audience AS MATERIALIZED ({chosen.sql})
            SELECT contact.phone FROM {_A_PART_OF_THEM if one_in > 1 else _PEOPLE} WHERE {_MAY_BE_TEXTED}""",
        chosen.values | _leave(campaign, sender),
    )


def sample(campaign: Campaign, limit: int) -> list[Contact]:
    """Up to so many contacts of the audience, found without reading all of it, unless rules leave few. Raises
    RulesError."""
    where = audience_where.where(rules(campaign), clock.now())
    query = f"""
        SELECT contact.* FROM contacts_contact AS contact
        WHERE id IN (SELECT contact.id FROM ({_INCLUDED}) AS member
                     JOIN contacts_contact AS contact ON contact.id = member.contact_id {where.joins}
                     WHERE {where.sql} AND NOT EXISTS ({_EXCLUDED} AND contact_id = member.contact_id) LIMIT %(limit)s)
        ORDER BY id"""
    return list(Contact.objects.raw(query, {**list_ids(campaign), **where.values, "limit": limit}))


def _leave(campaign: Campaign, sender: str) -> dict[str, Any]:
    """The values of _PEOPLE and of _MAY_BE_TEXTED."""
    unsaid = Standing.NONE if consenting.must_be_recorded(campaign) else Standing.GRANTED
    return {"sender": sender, "unsaid": unsaid.value} | standing.parameters(campaign.purpose, sender)


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
