"""Rules narrow an audience: whatever they ask, the database finds whom a reader of the rules would, and nobody else."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns import audience, audience_where, launch, materialise
from campaigns.audience_rules import (
    ATTRIBUTE,
    SHAPES,
    Condition,
    Group,
    Match,
    Op,
    RulesError,
    Shape,
    as_json,
    ops_of,
    parse,
)
from campaigns.errors import CampaignError
from campaigns.models import AudienceEntry, Campaign
from contacts.models import Contact
from delivery.ids import campaign_message_id
from delivery.models import Message, Reaction
from delivery.states import Status
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    InboundFactory,
    MessageFactory,
    phone,
)

pytestmark = pytest.mark.django_db


def rule(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"match": "all", "conditions": [{"field": field, "op": op} | ({} if value is None else {"value": value})]}


def draft(rules: dict[str, Any], *contacts: Contact) -> Campaign:
    campaign: Campaign = CampaignFactory(include=[ContactListFactory(contacts=list(contacts))], rules=rules)
    return campaign


def found(rules: dict[str, Any], *contacts: Contact) -> list[Contact]:
    chosen = audience.contact_ids(draft(rules, *contacts))
    ids = {one.pk for one in Contact.objects.raw(f"SELECT contact_id AS id FROM ({chosen.sql}) AS a", chosen.values)}
    return [contact for contact in contacts if contact.pk in ids]


# --- what a reader would find -----------------------------------------------------------------------------------


def said(contact: Contact, field: str) -> str | None:
    """A field as text; None: not known."""
    if not field.startswith(ATTRIBUTE):
        return getattr(contact, field) or None
    value = contact.attributes.get(field.removeprefix(ATTRIBUTE))
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def meets(contact: Contact, rules: Group | Condition, now: datetime) -> bool:
    if isinstance(rules, Group):
        return (all if rules.match == Match.ALL else any)(meets(contact, part, now) for part in rules.parts)
    value: Any = rules.value
    earlier = rules.op in (Op.BEFORE, Op.OLDER_THAN_DAYS)
    if rules.field == "created":
        at = datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else ago(now, value)
        return (contact.created_at < at) is earlier
    text = said(contact, rules.field)
    if rules.op in (Op.KNOWN, Op.UNKNOWN):
        return bool(text and text.strip()) is (rules.op == Op.KNOWN)
    if rules.op in (Op.IS, Op.ONE_OF, Op.IS_NOT, Op.NONE_OF):
        values = value if isinstance(value, tuple) else (value,)
        same = text in values or (rules.field == "language" and (text or "").split("-")[0] in values)
        return same is (rules.op in (Op.IS, Op.ONE_OF))
    if text is None:
        return False
    if rules.op == Op.CONTAINS:
        return value in text
    if rules.op in (Op.MORE_THAN, Op.LESS_THAN):
        if not re.fullmatch(r" *-?[0-9]{1,18}(\.[0-9]{1,18})? *", text):
            return False
        return Decimal(text) > value if rules.op == Op.MORE_THAN else Decimal(text) < value
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    day, since = text[:10], str(value) if isinstance(value, date) else ago(now, value).date().isoformat()
    if earlier:
        return day < since
    return day >= since and (rules.op == Op.SINCE or day <= now.date().isoformat())


def ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


NOW = datetime(2031, 6, 15, 12, tzinfo=UTC)
NAMES = ["clinic", "visits", "50% off", "o'clock", 'a"b\\c', "%(rule0)s"]
TEXTS = st.one_of(
    st.sampled_from(["Elm", "elm", "3", "-2.50", " 7 ", "1e3", "true", "null"]),
    st.sampled_from(["2026-02-31", "2031-01-01", "2031-06-15", "2031-06-01T10:00", "01.06.2031"]),
    st.text(alphabet="aé1.-%'\"\\{}();", min_size=1, max_size=6),
)
ATTRIBUTES = st.one_of(
    TEXTS, st.sampled_from(["", " ", None, 0.5, -3.0, 10**15]), st.booleans(), st.integers(min_value=-5, max_value=5)
)
PEOPLE = st.fixed_dictionaries(
    {
        "language": st.sampled_from(["", "en", "pt", "pt-BR", "zh-Hant"]),
        "country": st.sampled_from(["", "US", "BR"]),
        "time_zone": st.sampled_from(["", "Europe/Paris", "America/Sao_Paulo"]),
        "attributes": st.dictionaries(st.sampled_from(NAMES), ATTRIBUTES, max_size=4),
        "created_at": st.integers(-4800, 200).map(lambda hours: NOW + timedelta(hours=hours)),
    }
)
NAMED = {
    "language": st.sampled_from(["en", "pt", "pt-BR", "zh", "zh-Hant"]),
    "country": st.sampled_from(["US", "BR", "FR"]),
    "time_zone": st.sampled_from(["Europe/Paris", "America/Sao_Paulo", "UTC"]),
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from([*NAMED, "created", *(ATTRIBUTE + name for name in NAMES)]))
    op = draw(st.sampled_from(ops_of(field)))
    texts = NAMED.get(field, TEXTS.map(str.strip).filter(bool))
    values: dict[Shape, st.SearchStrategy[Any]] = {
        Shape.NOTHING: st.none(),
        Shape.TEXT: texts,
        Shape.TEXTS: st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple),
        Shape.NUMBER: st.decimals(-10, 10, places=2),
        Shape.DAY: st.dates(date(2030, 12, 1), date(2031, 8, 1)) | st.sampled_from([date.min, date.max]),
        Shape.DAYS: st.integers(1, 400),
    }
    return Condition(field, op, draw(values[SHAPES[op]]))


MATCHES = st.sampled_from(Match)
GROUPS = st.builds(Group, MATCHES, st.lists(conditions(), min_size=1, max_size=3).map(tuple))
RULES = st.builds(Group, MATCHES, st.lists(st.one_of(conditions(), GROUPS), min_size=1, max_size=4).map(tuple))


@settings(max_examples=150, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=5), RULES)
def test_the_database_finds_whom_a_reader_of_the_rules_would(people: list[dict[str, Any]], rules: Group) -> None:
    with transaction.atomic():
        contacts = Contact.objects.bulk_create(Contact(phone=phone(n), **fields) for n, fields in enumerate(people))
        for contact, fields in zip(contacts, people, strict=True):
            Contact.objects.filter(pk=contact.pk).update(created_at=fields["created_at"])
        where = audience_where.where(rules, NOW)
        query = f"SELECT contact.id FROM contacts_contact AS contact {where.joins} WHERE {where.sql}"
        kept = {contact.pk for contact in Contact.objects.raw(query, dict(where.values))}

        assert kept == {contact.pk for contact in Contact.objects.all() if meets(contact, rules, NOW)}
        transaction.set_rollback(True)


@given(RULES)
def test_what_is_kept_is_read_as_the_same_rules(rules: Group) -> None:
    assert parse(as_json(rules)) == rules


# --- what happened lately ---------------------------------------------------------------------------------------


def texted(contact: Contact, since: timedelta) -> Message:
    at = timezone.now() - since
    message: Message = MessageFactory(
        id=campaign_message_id(at, 7, contact.pk),
        campaign_id=7,
        contact_id=contact.pk,
        recipient=contact.phone,
        status=Status.DELIVERED,
        sent_at=at,
    )
    return message


def test_who_was_texted_lately_can_be_left_out() -> None:
    lately, long_ago, never, in_vain = people = ContactFactory.create_batch(4)
    texted(lately, timedelta(hours=2))
    texted(long_ago, timedelta(days=9))
    MessageFactory(recipient=in_vain.phone, status=Status.SUPPRESSED)

    assert found(rule("texted", "within_days", 7), *people) == [lately]
    assert found(rule("texted", "not_within_days", 7), *people) == [long_ago, never, in_vain]


def test_who_wrote_lately_is_known_by_number() -> None:
    wrote, silent = ContactFactory.create_batch(2)
    InboundFactory(phone=wrote.phone)

    assert found(rule("wrote", "within_days", 30), wrote, silent) == [wrote]
    assert found(rule("wrote", "not_within_days", 30), wrote, silent) == [silent]


def test_who_followed_a_link_lately_is_a_person_and_no_machine() -> None:
    once, twice, scanned, long_ago, never = people = ContactFactory.create_batch(5)
    for contact, kind, days in [
        (once, Reaction.Kind.CLICK, [1]),
        (twice, Reaction.Kind.CLICK, [2, 1]),
        (scanned, Reaction.Kind.MACHINE, [1]),
        (long_ago, Reaction.Kind.CLICK, [40]),
    ]:
        message = texted(contact, timedelta(hours=1))
        for day in days:
            at = timezone.now() - timedelta(days=day)
            Reaction.objects.create(message=message, source=uuid4(), campaign_id=7, kind=kind, at=at, first=False)

    assert found(rule("clicked", "within_days", 30), *people) == [once, twice]
    assert found(rule("clicked", "not_within_days", 30), *people) == [scanned, long_ago, never]


def test_conditions_of_a_group_stand_for_each_other() -> None:
    once, _, french = people = [*ContactFactory.create_batch(2), ContactFactory(language="fr")]
    texted(once, timedelta(hours=1))
    lately = rule("texted", "within_days", 7)["conditions"]
    either = {"match": "any", "conditions": [*lately, *rule("language", "is", "fr")["conditions"]]}

    assert found(either, *people) == [once, french]
    both = {"match": "all", "conditions": [either, *rule("language", "is", "en")["conditions"]]}
    assert found(both, *people) == [once]


# --- one audience, everywhere -----------------------------------------------------------------------------------


def test_everything_that_asks_for_an_audience_goes_by_its_rules() -> None:
    elm, oak, left_out = (ContactFactory(attributes={"clinic": name}) for name in ("Elm", "Oak", "Elm"))
    DefaultSenderFactory()
    campaign = draft(rule("attributes.clinic", "is", "Elm"), elm, oak, left_out)
    campaign.exclude.add(ContactListFactory(contacts=[left_out]))

    assert audience.survey(campaign, []).size == 1
    assert audience.sample(campaign, 10) == [elm]
    assert audience.by_country(campaign) == [("US", 1)]
    assert launch.preflight(campaign).audience == 1

    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    assert list(AudienceEntry.objects.filter(campaign=campaign).values_list("contact_id", flat=True)) == [elm.pk]


def test_rules_that_nobody_meets_keep_it_from_leaving() -> None:
    DefaultSenderFactory()
    campaign = draft(rule("country", "is", "FR"), ContactFactory())
    with pytest.raises(CampaignError, match="meets the rules"):
        launch.launch(campaign=campaign, actor=None)


def test_rules_that_can_no_longer_be_read_never_widen_an_audience() -> None:
    DefaultSenderFactory()
    campaign = draft(rule("star_sign", "is", "Leo"), ContactFactory())
    [problem] = launch.preflight(campaign).problems
    assert "rules of its audience cannot be read" in problem
    with pytest.raises(CampaignError, match="no field “star_sign”"):
        launch.launch(campaign=campaign, actor=None)


# --- what is refused --------------------------------------------------------------------------------------------


def test_no_rules_are_everybody() -> None:
    ada = ContactFactory()
    assert found({}, ada) == found({"match": "any", "conditions": []}, ada) == [ada]
    assert as_json(parse({"match": "all", "conditions": []})) == {}


def test_values_are_read_as_contacts_have_them() -> None:
    given_and_kept = [
        (("language", "one_of", ["pt_br", "EN", "en"]), ["pt-BR", "en"]),
        (("country", "is", " us "), "US"),
        (("time_zone", "is_not", "europe/paris"), "Europe/Paris"),
        (("attributes.vip", "is", True), "true"),
        (("attributes.visits", "more_than", 3), "3"),
        (("attributes.visits", "within_days", "30"), 30),
    ]
    for asked, kept in given_and_kept:
        [condition] = as_json(parse(rule(*asked)))["conditions"]
        assert condition["value"] == kept


FIRST = ("conditions", 0)
KNOWN = {"field": "country", "op": "known"}


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (None, ()),
        ([], ()),
        ({"conditions": {}}, ("conditions",)),
        ({"match": "none", "conditions": []}, ("match",)),
        ({"match": [], "conditions": []}, ("match",)),
        ({"conditions": [], "sql": "1=1"}, ()),
        ({"conditions": [7]}, FIRST),
        ({"conditions": [{"conditions": []}]}, (*FIRST, "conditions")),
        ({"conditions": [{"conditions": [{"conditions": [KNOWN]}]}]}, (*FIRST, "conditions", 0)),
        ({"conditions": [KNOWN] * 51}, ("conditions",)),
        ({"conditions": [{"conditions": [KNOWN] * 26}] * 2}, ("conditions",)),
        (rule("phone", "is", "+14155550100"), (*FIRST, "field")),
        (rule("contact.id = 1 OR true --", "is", "x"), (*FIRST, "field")),
        (rule("attributes.", "is", "x"), (*FIRST, "field")),
        (rule("attributes." + "x" * 65, "is", "x"), (*FIRST, "field")),
        (rule("country", "contains", "U"), (*FIRST, "op")),
        (rule("country", "is"), (*FIRST, "value")),
        (rule("country", "is", ["US"]), (*FIRST, "value")),
        (rule("country", "is", "USA"), (*FIRST, "value")),
        (rule("country", "known", "US"), (*FIRST, "value")),
        (rule("country", "one_of", []), (*FIRST, "value")),
        (rule("country", "one_of", ["US", "XX"]), (*FIRST, "value", 1)),
        (rule("language", "is", "english language"), (*FIRST, "value")),
        (rule("time_zone", "is", "Mars/Olympus"), (*FIRST, "value")),
        (rule("attributes.a", "is", "x" * 2001), (*FIRST, "value")),
        (rule("attributes.a", "is", "a\x00b"), (*FIRST, "value")),
        (rule("attributes.a", "is", "\ud800"), (*FIRST, "value")),
        (rule("attributes.a", "is", 1.5), (*FIRST, "value")),
        (rule("attributes.a", "more_than", "NaN"), (*FIRST, "value")),
        (rule("attributes.a", "more_than", True), (*FIRST, "value")),
        (rule("attributes.a", "more_than", "1e-999999"), (*FIRST, "value")),
        (rule("attributes.a", "more_than", float("inf")), (*FIRST, "value")),
        (rule("attributes.a", "since", "2026-02-31"), (*FIRST, "value")),
        (rule("attributes.a", "since", "2026-W01-1"), (*FIRST, "value")),
        (rule("created", "within_days", 0), (*FIRST, "value")),
        (rule("created", "within_days", 1.5), (*FIRST, "value")),
        (rule("texted", "within_days", 32), (*FIRST, "value")),
    ],
)
def test_what_makes_no_sense_is_refused_with_where_it_stands(rules: Any, path: tuple[str | int, ...]) -> None:
    with pytest.raises(RulesError) as refused:
        parse(rules)
    assert refused.value.path == path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["country", "is"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["match", "conditions", "field", "op", "value", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_comes_in_is_read_or_refused(data: Any) -> None:
    try:
        rules = parse(data)
    except RulesError:
        return
    assert parse(as_json(rules)) == rules
