import pickle
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.templating import (
    CONTACT_FIELDS,
    MAX_TEMPLATE,
    MissingVariable,
    Problem,
    ProblemKind,
    TemplateError,
    Variable,
    check,
    contact_context,
    parse,
    render,
    variables,
)

ADA = contact_context(
    name="Ada Byron",
    phone="+33612345678",
    language="fr",
    country="FR",
    attributes={
        "doctor": "Dr Noor",
        "clinic": "",
        "visits": 5,
        "vip": True,
        "items": ["tea", "jam"],
        "due": "2026-11-22T10:30:00+00:00",
        "address": {"city": "Lyon"},
    },
)


def text(body, context=ADA):
    return render(parse(body), context)


# --- rendering


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hi {{ first_name }}", "Hi Ada"),
        ("{{ name }}, {{ phone }}, {{ language }}, {{ country }}", "Ada Byron, +33612345678, fr, FR"),
        ("{{ doctor }} = {{ attributes.doctor }}", "Dr Noor = Dr Noor"),
        ("{{ attributes['doctor'] | upcase }}", "DR NOOR"),
        ("{{ address.city }}", "Lyon"),
        ("{% if visits > 3 %}regular{% else %}new{% endif %}", "regular"),
        ("{% for i in items %}{{ forloop.index }}:{{ i }} {% endfor %}", "1:tea 2:jam"),
        ("{% for i in (1..3) reversed %}{{ i }}{% endfor %}", "321"),
        ("{% assign d = doctor | downcase %}{{ d }}", "dr noor"),
        ("{% capture d %}<{{ doctor }}>{% endcapture %}{{ d }}", "<Dr Noor>"),
        ("{{ items | join: ' and ' }}", "tea and jam"),
        ("{{ due | date: '%d %B at %H:%M' }}", "22 November at 10:30"),
        ("{{ visits | plus: 1 }}", "6"),
        ("a{% comment %} not sent {% endcomment %}b{% # nor this %}", "ab"),
        ("{% case language %}{% when 'fr' %}Bonjour{% else %}Hello{% endcase %}", "Bonjour"),
    ],
)
def test_a_template_speaks_liquid(body, expected):
    assert text(body) == expected


def test_what_a_contact_brings_is_printed_and_never_evaluated():
    hostile = "{{ phone }}{% for i in (1..9) %}x{% endfor %}{% raw %}"

    assert text("Hi {{ name }}!", contact_context(name=hostile)) == f"Hi {hostile}!"


@given(st.text(st.sampled_from("{}%|ab' \n"), max_size=40).filter(str.strip))
def test_any_data_passes_through_unchanged(value):
    assert text("<{{ x }}>", {"x": value}) == f"<{value}>"


def test_the_text_is_tidied_for_the_air():
    assert text("one\r\ntwo\rthree\tfour\x00\x07\x9f \n\n ") == "one\ntwo\nthree four"


def test_control_characters_in_the_data_are_dropped_too():
    assert text("{{ name }}", contact_context(name="A\x00d\x1ba\r\n")) == "Ada"


# --- missing values


@pytest.mark.parametrize(
    ("body", "name", "line"),
    [
        ("Hi {{ nickname }}", "nickname", 1),
        ("Hi\n\n  {{ attributes.nickname }}", "attributes.nickname", 3),
        ("Hi\r\n{{ clinic | upcase | truncate: 5 }}", "clinic", 2),
        ("{{ address.street }}", "address.street", 1),
        ("{{ 'Dr ' | append: nickname }}", "nickname", 1),
        ("{% for i in nickname %}{% endfor %}", "nickname", 1),
        ("{% assign n = nickname %}\n{{ n }}", "nickname", 1),
        ("{{ clinic | plus: 1 }}", "clinic", 1),
        ("{{ clinic | date: '%d' }}", "clinic", 1),
    ],
)
def test_a_missing_or_blank_value_stops_the_message(body, name, line):
    with pytest.raises(MissingVariable) as caught:
        text(body)

    assert (caught.value.name, caught.value.line) == (name, line)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ nickname | default: 'friend' }}", "friend"),
        ("{{ clinic | default: 'our clinic' }}", "our clinic"),
        ("{{ nickname | capitalize | default: 'friend' }}", "friend"),
        ("{{ 'Dr ' | append: nickname | default: 'your doctor' }}", "your doctor"),
        ("{{ address.street | default: name }}", "Ada Byron"),
        ("{% if nickname %}{{ nickname }}{% else %}friend{% endif %}", "friend"),
        ("{% unless clinic %}friend{% endunless %}", "friend"),
        ("{% if nickname == 'x' or clinic > 3 or clinic contains 'x' %}x{% endif %}friend", "friend"),
    ],
)
def test_a_default_or_a_condition_stands_in_for_a_missing_value(body, expected):
    assert text(body) == expected


# --- the sandbox


@pytest.mark.parametrize(
    "body",
    [
        "{{ name.__class__ }}",
        "{{ name.__class__.__mro__[1].__subclasses__ }}",
        "{{ name['__class__'] }}",
        "{{ attributes.__init__.__globals__ }}",
        "{{ items.append }}",
        "{{ name.upper }}",
        "{{ visits.real }}",
        "{{ now }}",
        "{{ today }}",
        "{{ self }}",
        "{{ template }}",
    ],
)
def test_nothing_of_python_or_the_server_can_be_reached(body):
    with pytest.raises(MissingVariable):
        text(body)


def test_an_object_enters_a_template_only_as_its_text():
    context = contact_context(attributes={"price": Decimal("9.90"), "day": date(2026, 11, 22), "odd": object})

    assert text("{{ price }} {{ day }} {{ odd }}", context) == "9.90 2026-11-22 <class 'object'>"
    with pytest.raises(MissingVariable):
        text("{{ odd.__name__ }}", context)


@pytest.mark.parametrize("tag", ["include 'x'", "render 'x'", "extends 'x'", "block x", "liquid echo 1", "echo 1"])
def test_tags_that_are_not_listed_are_refused(tag):
    with pytest.raises(TemplateError, match="unexpected tag"):
        parse("{% " + tag + " %}")


DOUBLING = "{% assign a = 'xxxxxxxx' %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}{{ a }}"
SQUARING = "{% assign a = 99 %}{% for i in (1..90) %}{% assign a = a | times: a %}{% endfor %}{{ a }}"
REPLACING = "{{ 'x' " + "| replace: '', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'" * 9 + " }}"
CAPTURING = "{% capture a %}{{ a | default: 'x' }}{{ a | default: 'x' }}{% endcapture %}" * 40 + "{{ a }}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{% for i in (1..1000000000) %}x{% endfor %}", "a range is two numbers"),
        ("{% for i in (1..visits) reversed %}x{% endfor %}", "a range is two numbers"),
        ("{% if (1..99999999999) contains 'x' %}{% endif %}", "a range is two numbers"),
        (
            "{% for i in (1..60) %}{% for j in (1..60) %}x{% endfor %}{% endfor %}",
            "a loop runs more than 100",
        ),
        (DOUBLING, "too large"),
        (SQUARING, "too large"),
        (REPLACING, "too large"),
        (CAPTURING, "too much room|longer than|too large"),
        ("{{ 'x' | slice: 0, 99999999999999999999 }}", "too large"),
        ("{% for i in (1..100) %}" + "x" * 200 + "{% endfor %}", "longer than 10,000 bytes"),
        ("{% if vip %}" * 20 + "{% endif %}" * 20, "nested more than 10 deep"),
        ("{{ " + "a[" * 2000 + "b" + "]" * 400 + " }}", "nested too deeply"),
        ("{{ " + "a[" * 200 + "b" + "]" * 200 + " }}", "nested too deeply"),
        ("{% if " + "vip and " * 200 + "vip %}{% endif %}", "nested too deeply"),
        ("x" * (MAX_TEMPLATE + 1), "longer than 5,000 characters"),
        ("{{" * 2000, "never closed"),
        ("{%" + " " * 4000, "never closed"),
        ("{{ visits | divided_by: 0 }}", "the filter 'divided_by' cannot use this value"),
        ("{{ name | date: '%d' }}", "the filter 'date' cannot use this value"),
        ("{{ name | upcase: 1, 2 }}", "the filter 'upcase' cannot use this value"),
        ("{{ attributes }}", "a group of values"),
        ("{{ address }}", "a group of values"),
        ("{% if name == blank %}{% endif %}", "a blank value is false"),
    ],
)
def test_bombs_and_blunders_end_in_a_clear_error(body, words):
    with pytest.raises(TemplateError, match=words) as caught:
        text(body)

    assert "Ada" not in str(caught.value)


def test_a_large_value_of_a_contact_ends_in_a_clear_error():
    context = contact_context(attributes={"big": "x" * 100_000, "digits": "9" * 5000, "odd": "\ud800"})

    for body in ("{{ big }}", "{{ big | upcase }}", "{{ digits | plus: 1 }}", "{{ odd }}"):
        with pytest.raises(TemplateError):
            text(body, context)


PIECES = [*"|='.:[]#", "{{", "}}", "{%", "%}", "a", "vip", "(1..2)", "default", "upcase"]
TAG_WORDS = ["if", "endif", "for", "in", "endfor", "assign"]


@given(st.lists(st.sampled_from([*PIECES, *TAG_WORDS, " ", "\n"]), max_size=30).map(" ".join))
def test_any_body_renders_or_says_where_it_is_wrong(body):
    problems = check(body, {"a", "vip"}, sample=ADA)

    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    if not problems:
        assert isinstance(text(body), str)


# --- checking at save time


@pytest.mark.parametrize(
    ("body", "message", "line", "column"),
    [
        ("Hi\n{{ name", "'{{' is never closed by '}}'", 2, 1),
        ("Hi\n{% if name %}x", "'{% endif %}' is missing", 2, 15),
        ("Hi {{ }}", "expected a value, found end of expression", 1, 6),
        ("Hi\n {% includ 'x' %}", "unexpected tag 'includ'", 2, 5),
    ],
)
def test_a_syntax_error_points_at_its_place(body, message, line, column):
    assert check(body, CONTACT_FIELDS) == (Problem(ProblemKind.SYNTAX, message, line, column),)


def test_every_unknown_name_is_reported_with_a_guess():
    found = check("Hi {{ frist_name }}\n{{ name | upcaze }} {{ attributes.docter }}", {*CONTACT_FIELDS, "doctor"})

    assert [(problem.kind, problem.message, problem.line) for problem in found] == [
        (ProblemKind.UNKNOWN_VARIABLE, "no contact has 'frist_name': did you mean 'first_name'?", 1),
        (ProblemKind.UNKNOWN_FILTER, "there is no filter 'upcaze': did you mean 'upcase'?", 2),
        (ProblemKind.UNKNOWN_VARIABLE, "no contact has 'attributes.docter': did you mean 'doctor'?", 2),
    ]


def test_a_good_template_has_no_problems():
    body = "{{ first_name }} {{ doctor }} {{ attributes.doctor.size }} {{ attributes[name] }}{% assign x = 1 %}{{ x }}"

    assert check(body, {*CONTACT_FIELDS, "doctor"}) == ()


def test_a_sample_finds_what_reading_cannot():
    problems = check("Hi\n{{ clinic }}", {"clinic"}, sample=ADA)

    assert problems == (Problem(ProblemKind.SAMPLE, "there is no value for 'clinic'", 2, 4),)
    assert check("{{ doctor }}", {"doctor"}, sample=ADA) == ()


def test_parse_refuses_an_unknown_filter():
    with pytest.raises(TemplateError, match="line 2: there is no filter 'shout'"):
        parse("\n{{ name | shout }}")


def test_the_variables_of_a_template():
    body = (
        "{% assign d = doctor %}{{ d }}\n{{ name }} {{ contact.name }} {{ name }}\n"
        "{{ attributes.clinic | default: 'x' }}{% if vip %}{{ vip }}{% endif %}"
        "{% for i in items %}{{ i }}{{ forloop.index }}{% endfor %}"
    )

    assert variables(body) == (
        Variable("doctor", 1, 15, required=True),
        Variable("name", 2, 4, required=True),
        Variable("contact.name", 2, 15, required=True),
        Variable("attributes.clinic", 3, 4, required=False),
        Variable("vip", 3, 45, required=False),
        Variable("items", 3, 83, required=True),
    )


# --- the data of a contact


def test_attributes_stand_at_the_top_and_below_but_do_not_hide_the_contact():
    context = contact_context(name="Ada Byron", attributes={"name": "Eve", "city": "Lyon"})

    assert (
        text("{{ name }} {{ attributes.name }} {{ city }} {{ attributes.city }}", context) == "Ada Byron Eve Lyon Lyon"
    )


def test_blank_values_are_left_out():
    context = contact_context(name=" ", phone="+1", attributes={"a": "", "b": None, "c": [], "d": 0, "e": False})

    assert context == {"phone": "+1", "d": 0, "e": False, "attributes": {"d": 0, "e": False}}


@pytest.mark.parametrize(
    ("given_name", "attribute", "expected"),
    [("Lady Ada", "Eve", "Lady Ada"), ("", "Eve", "Eve"), ("", "", "Ada")],
)
def test_the_first_name_is_the_contacts_own_or_an_attribute_or_the_first_word(given_name, attribute, expected):
    context = contact_context(name="Ada Byron", first_name=given_name, attributes={"first_name": attribute})

    assert context["first_name"] == expected


def test_errors_survive_a_process_boundary():
    missing = pickle.loads(pickle.dumps(MissingVariable("city", 3, 7)))
    broken = pickle.loads(pickle.dumps(TemplateError("no", 2, 1)))

    assert (missing.name, missing.line, missing.column) == ("city", 3, 7)
    assert (str(missing), str(broken)) == ("line 3: there is no value for 'city'", "line 2: no")
