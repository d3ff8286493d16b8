"""A template never asks for a word that carriers take for more than an answer; offering the opt-out is fine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import templates
from campaigns.answer_lint import problems
from campaigns.errors import InvalidTemplate
from campaigns.templating import ProblemKind
from tests.factories import TemplateFactory


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Reply YES to confirm or CANCEL to cancel.", ["YES", "CANCEL"]),
        ("Reply CANCEL to cancel your appointment", ["CANCEL"]),
        ("See you Monday. Text YES to confirm your visit.", ["YES"]),
        ("Reply STOP to cancel your appointment", ["STOP"]),
        ("Reply 'yes' to confirm", ["yes"]),
        ("Hi {{ first_name }}, reply YES/NO", ["YES"]),
        ("Reply 1 to confirm, END to end.", ["END"]),
        ("Reply YES", ["YES"]),
        ("Reply Y or YES if you are coming", ["YES"]),
        ("Responda BAJA para anular su cita", ["BAJA"]),
        ("Répondez ARRET pour annuler votre rendez-vous", ["ARRET"]),
        ("Antworten Sie mit STOP, um den Termin abzusagen.", ["STOP"]),
        ("Antwoord STOP om uw afspraak af te zeggen", ["STOP"]),
        ("Odpisz STOP, aby odwołać wizytę", ["STOP"]),
        ("Svara STOPP för att avboka din tid", ["STOPP"]),
        ("Risponda FERMA per disdire l'appuntamento", ["FERMA"]),
        ("Responda PARAR para desmarcar a consulta", ["PARAR"]),
    ],
)
def test_what_asks_for_a_carriers_word_is_found(body: str, words: list[str]) -> None:
    found = problems(body)
    assert [problem.message.split("'")[1] for problem in found] == words
    for problem, word in zip(found, words, strict=True):
        line = body.splitlines()[problem.line - 1]
        assert line[problem.column - 1 :].startswith(word)


@pytest.mark.parametrize(
    "body",
    [
        "Reply STOP to opt out",
        "Sale! Reply STOP to unsubscribe.",
        "Reply HELP for help, STOP to cancel.",
        "Reply 1 to confirm or 2 to cancel. STOP to opt out.",
        "Reply 1 to confirm your appointment or STOP to opt out",
        "Reply CANCEL to unsubscribe",
        "Reply YES to subscribe to alerts",
        "Reply START to get texts again",
        "Reply STOP to stop appointment reminders",
        "Your appointment is cancelled. Reply STOP to end texts.",
        "Call us to cancel your appointment. Reply STOP to opt out",
        "Bus STOP at Elm Street: reply 1 if you are coming",
        "YES, we are open. Reply 1 to book",
        "Responda BAJA para no recibir más mensajes",
        "Répondez STOP pour ne plus recevoir de SMS",
        "Antworten Sie mit STOP, um keine SMS mehr zu erhalten",
        "Reply {{ word }} to confirm",
        "{% if STOP %}Reply 1{% endif %}",
        "STOP",
        "",
    ],
)
def test_offering_the_opt_out_and_plain_prose_pass(body: str) -> None:
    assert problems(body) == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_lint(body: str) -> None:
    problems(f"Reply {body}")


@pytest.mark.django_db
def test_such_a_template_is_not_saved_and_is_told_what_to_do() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        templates.save_version(
            template=TemplateFactory(), body="Hello.\nReply YES to confirm.", smart_encoding=True, actor=None
        )
    (problem,) = refused.value.problems
    assert (problem.kind, problem.line, problem.column) == (ProblemKind.RESERVED_ANSWER, 2, 7)
    assert "ask for a number instead, such as 1 or 2" in problem.message
