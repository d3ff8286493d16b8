"""Templates are saved in versions that never change, and previewed as the recipient will see them."""

from functools import partial

import pytest

from campaigns import templates
from campaigns.errors import InvalidTemplate
from campaigns.models import Template, TemplateVersion
from campaigns.templating import ProblemKind
from tests.campaigns.scenes import at_once
from tests.factories import ContactFactory, TemplateFactory, UserFactory


def save(template: Template, body: str, *, smart_encoding: bool = True) -> TemplateVersion:
    return templates.save_version(template=template, body=body, smart_encoding=smart_encoding, actor=None)


@pytest.mark.django_db
def test_the_first_save_makes_version_1_with_the_variables_it_uses() -> None:
    author = UserFactory()
    version = templates.save_version(
        template=TemplateFactory(),
        body="Hi {{ first_name }}, see you at {{ clinic | default: 'the clinic' }}.",
        smart_encoding=True,
        actor=author,
    )
    assert (version.number, version.variables, version.created_by) == (1, ["first_name", "clinic"], author)


@pytest.mark.django_db
def test_saving_the_same_text_again_makes_no_version() -> None:
    template = TemplateFactory()
    first = save(template, "Line one\nline two")
    assert save(template, "Line one\r\nline two") == first
    assert template.versions.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("body", "smart_encoding"), [("Bye", True), ("Hello", False)])
def test_another_text_or_encoding_is_a_new_version_and_the_old_one_stays(body: str, smart_encoding: bool) -> None:
    template = TemplateFactory()
    first = save(template, "Hello")
    second = save(template, body, smart_encoding=smart_encoding)
    assert (second.number, templates.latest(template)) == (2, second)
    first.refresh_from_db()
    assert (first.body, first.smart_encoding) == ("Hello", True)


@pytest.mark.django_db
def test_going_back_to_an_older_text_is_a_new_version_too() -> None:
    template = TemplateFactory()
    assert [save(template, body).number for body in ("One", "Two", "One")] == [1, 2, 3]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("Hi,\n{{ first_name", 2, "never closed"),
        ("Hi {{ first_name | shout }}", 1, "shout"),
        ("{% include 'other' %}", 1, "include"),
        ("  \n ", 1, "empty"),
    ],
)
def test_a_broken_text_is_refused_with_the_place_to_correct(body: str, line: int, words: str) -> None:
    template = TemplateFactory()
    with pytest.raises(InvalidTemplate) as refused:
        save(template, body)
    (problem,) = refused.value.problems
    assert problem.line == line
    assert problem.column >= 1
    assert words in problem.message
    assert not template.versions.exists()


@pytest.mark.django_db
def test_a_variable_that_no_contact_has_yet_can_be_saved() -> None:
    assert save(TemplateFactory(), "Bring {{ docmuent }}.").number == 1


@pytest.mark.django_db(transaction=True)
def test_saves_at_the_same_time_get_numbers_of_their_own() -> None:
    template = TemplateFactory()
    results = at_once(*(partial(save, template, f"Text {n}") for n in range(6)))
    assert sorted(version.number for version in results) == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_a_preview_is_what_the_contact_will_get() -> None:
    ada = ContactFactory(name="Ada Byron", attributes={"clinic": "Elm Street"})
    preview = templates.preview(body="Hi {{ first_name }}, it’s at {{ clinic }}…", smart_encoding=True, contact=ada)
    assert preview.text == "Hi Ada, it's at Elm Street..."
    assert [change.char for change in preview.replaced] == ["’", "…"]
    assert (preview.segmentation.encoding, preview.segmentation.segments) == ("gsm7", 1)
    assert not preview.problems


@pytest.mark.django_db
def test_without_smart_encoding_the_preview_shows_what_the_quote_costs() -> None:
    preview = templates.preview(body="It’s " + "x" * 70, smart_encoding=False, context={})
    assert not preview.replaced
    assert (preview.segmentation.encoding, preview.segmentation.segments) == ("ucs2", 2)
    assert preview.segmentation.forcing[0].char == "’"


@pytest.mark.django_db
def test_a_preview_for_a_contact_without_a_value_says_which() -> None:
    ContactFactory(attributes={"clinic": "Elm Street"})
    preview = templates.preview(body="At\n{{ clinic }}", smart_encoding=True, contact=ContactFactory())
    assert (preview.text, preview.segmentation.segments) == ("", 0)
    (problem,) = preview.problems
    assert (problem.kind, problem.line) == (ProblemKind.SAMPLE, 2)
    assert "clinic" in problem.message


@pytest.mark.django_db
def test_a_preview_points_out_a_variable_that_no_contact_has() -> None:
    ContactFactory(attributes={"clinic": "Elm Street"})
    (problem,) = templates.preview(body="At {{ clinci }}", smart_encoding=True).problems
    assert problem.kind is ProblemKind.UNKNOWN_VARIABLE
    assert "did you mean 'clinic'" in problem.message


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        "Hi {{ first_name }} of {{ country }}",
        "On {{ appointment_date | date: '%d %B' }} with {{ attributes.doctor.name }}",
        "{% if doctor %}{{ doctor.name }}{% endif %} {{ attributes.visits_count | plus: 1 }}",
    ],
)
def test_made_up_data_stands_in_where_there_is_no_contact(body: str) -> None:
    preview = templates.preview(body=body, smart_encoding=True)
    assert preview.text
    assert all(problem.kind is ProblemKind.UNKNOWN_VARIABLE for problem in preview.problems)


@pytest.mark.django_db
def test_a_broken_text_previews_as_nothing_with_its_problems() -> None:
    preview = templates.preview(body="{% if x %}", smart_encoding=True)
    assert preview.text == ""
    assert [problem.kind for problem in preview.problems] == [ProblemKind.SYNTAX]


@pytest.mark.django_db
def test_a_text_that_names_what_only_appointments_have_is_told_how() -> None:
    found = templates.preview(body="On {{ date }} at {{ appointment.time }}", smart_encoding=False)
    assert [problem.message for problem in found.problems] == [
        "no contact has 'date': did you mean 'appointment.date'?"
    ]
    assert found.text == "On 2030-01-15 at 14:30"
