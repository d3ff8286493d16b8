"""Answer rules and automatic replies as staff write them: checked before they are saved."""

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _

from campaigns.conversations import matching
from campaigns.models import AnswerRule, AutoReply
from campaigns.models.conversations import Action
from campaigns.reminders.rules import UnusableRule
from delivery import clock
from delivery.inbound import keywords
from delivery.inbound.keywords import fold
from delivery.models import Inbound
from delivery.submit import MAX_BODY
from delivery.timerules.opening import NeverOpen, next_window

MOST_WORDS = 50
_TAG = re.compile(rf"({matching.ANY}|[a-z]{{2,3}}(-[A-Za-z]{{2,8}})?)\Z")


def check_answer(rule: AnswerRule) -> None:
    """Raises UnusableRule."""
    if not rule.words:
        raise UnusableRule("words", _("Give at least one word."))
    for tag, listed in rule.words.items():
        _check_tag("words", tag)
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_WORDS:
            raise UnusableRule("words", _("%(tag)s: give 1 to %(most)s words.") % {"tag": tag, "most": MOST_WORDS})
        for word in listed:
            _check_word(str(word))
    _check_texts("replies", rule.replies)
    if rule.action == Action.REPLY and not rule.replies:
        raise UnusableRule("replies", _("Say what is to be replied."))


def _check_word(word: str) -> None:
    folded = fold(word)
    if not folded:
        raise UnusableRule("words", _("“%(word)s” has no letter or digit, or is too long.") % {"word": word[:40]})
    known = keywords.meaning_of(folded)
    if known not in (Inbound.Keyword.NONE, Inbound.Keyword.START):
        raise UnusableRule(
            "words",
            _("“%(word)s” means %(known)s: it would never arrive as an answer.")
            % {"word": word, "known": known.label.lower()},
        )


def check_auto_reply(reply: AutoReply) -> None:
    """Raises UnusableRule."""
    if reply.time_zone not in available_timezones():
        raise UnusableRule("time_zone", _("There is no such time zone; write it as Europe/Paris."))
    for field in ("open_texts", "closed_texts"):
        _check_texts(field, getattr(reply, field))
    if not reply.open_texts and not reply.closed_texts:
        raise UnusableRule("closed_texts", _("Say what is to be said."))
    try:
        next_window(clock.now(), [ZoneInfo(reply.time_zone).key], [reply.rule])
    except ValueError as problem:
        why = _("There is no hour at all.") if isinstance(problem, NeverOpen) else f"{problem}."
        raise UnusableRule("weekday_until", why.capitalize()) from None


def _check_texts(field: str, texts: Mapping[str, Any]) -> None:
    for tag, text in texts.items():
        _check_tag(field, tag)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_BODY:
            raise UnusableRule(
                field, _("%(tag)s: give a text of at most %(most)s characters.") % {"tag": tag, "most": MAX_BODY}
            )


def _check_tag(field: str, tag: str) -> None:
    if not _TAG.match(tag):
        raise UnusableRule(
            field,
            _("“%(tag)s” is no language tag: write en or pt-BR, or “%(any)s”.")
            % {"tag": tag[:20], "any": matching.ANY},
        )
