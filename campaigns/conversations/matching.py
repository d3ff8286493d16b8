"""Which answer a text is: by the hub's own rules, the most specific first, else by the standard ones.

A word counts in every language, for people write as they like. Where it says one thing in one language and another in
the next, the languages that the person is known to have decide; if they do not, a person does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Q

from campaigns.conversations import standard
from campaigns.models import AnswerRule, Reminder
from campaigns.models.conversations import Action
from contacts.models import Contact
from delivery.inbound.keywords import fold

#: The language of words that count in every one.
ANY = "any"
#: No hub has so many about one question.
_MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class Answer:
    action: Action
    rule: AnswerRule | None = None
    """The hub's own rule; None: a standard answer."""


def languages_of(contact: Contact | None) -> list[str]:
    """Short tags of the languages that a person is known to have, their own first."""
    if contact is None:
        return []
    more = contact.attributes.get("languages", [])
    listed = more.split(",") if isinstance(more, str) else more if isinstance(more, list) else []
    tags = [short(str(tag)) for tag in [contact.language, *listed]]
    return list(dict.fromkeys(tag for tag in tags if tag))


def short(tag: str) -> str:
    """`pt` of `pt-BR`."""
    return tag.strip().partition("-")[0].lower()


def match(body: str, question: Reminder, languages: Iterable[str]) -> Answer | None:
    """None: it is no answer, or might be two."""
    word = fold(body)
    if not word:
        return None
    known = set(languages)
    for level in _levels(question):
        found = {(tag, answer) for answer, words in level for tag in _languages_with(word, words)}
        own = {answer for tag, answer in found if tag in known or tag == ANY}
        answers = own or {answer for _, answer in found}
        if answers:
            return next(iter(answers)) if len(answers) == 1 else None
    return _standard(word, known)


def _levels(question: Reminder) -> Iterable[list[tuple[Answer, Mapping[str, Any]]]]:
    """Answers with their words, those of the question's rule first, then those of its kind, then those of all."""
    appointment = question.appointment
    about = Q(rule=None) | Q(rule=question.rule_id)
    kind = Q(kind="") | Q(kind=appointment.kind)
    rows = list(AnswerRule.objects.filter(about, kind, enabled=True).order_by("pk")[:_MOST_RULES])
    for of_rule, of_kind in ((True, True), (True, False), (False, True), (False, False)):
        level = [row for row in rows if (row.rule_id is not None, row.kind != "") == (of_rule, of_kind)]
        if level:
            yield [(Answer(Action(row.action), row), row.words) for row in level]


def _languages_with(word: str, words: Mapping[str, Any]) -> list[str]:
    return [short(tag) for tag, listed in words.items() if word in {fold(str(each)) for each in listed}]


def _standard(word: str, known: set[str]) -> Answer | None:
    if word in standard.NUMBERS:
        return Answer(standard.NUMBERS[word])
    found = _standard_words().get(word, {})
    actions = {action for tag, action in found.items() if tag in known} or set(found.values())
    return Answer(next(iter(actions))) if len(actions) == 1 else None


@cache
def _standard_words() -> Mapping[str, Mapping[str, Action]]:
    """Word → language → what it does."""
    words: dict[str, dict[str, Action]] = {}
    for tag, answers in standard.WORDS.items():
        for action in (Action.CONFIRM, Action.CANCEL, Action.CALL):
            for word in getattr(answers, action.value):
                words.setdefault(fold(word), {})[tag] = action
    return words
