"""A campaign's text sent to the one who writes it: as a message of its own, unknown to the campaign."""

import redis
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from campaigns import audience, audience_rules, languages, split, templates, templating, writing
from campaigns.audience_rules import RulesError
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from delivery import frequency
from delivery.lanes import Lane
from delivery.models import Message
from delivery.states import Status
from delivery.submit import SubmitError, submit

#: So many a minute for each member of staff: enough to try a wording, too few to annoy anybody with.
A_MINUTE = 5
#: Among so many of the audience the first reader of a text is looked for.
PEOPLE = 50


def names(campaign: Campaign) -> list[tuple[str, str]]:
    """What each of its texts is called for `send`, and in words; nothing where there is only one."""
    variants = [(split.OWN, writing.texts(campaign))]
    variants += [(one.letter, writing.texts(one)) for one in campaign.variants.select_related("template")]
    found = []
    for letter, texts in variants:
        for tag in texts:
            words = [_("Variant %(letter)s") % {"letter": letter}] if len(variants) > 1 else []
            words += [tag or _("everybody else")] if len(texts) > 1 else []
            found.append((f"{letter}:{tag}", ", ".join(words)))
    return found if len(found) > 1 else []


def send(*, campaign: Campaign, number: str, user: User, which: str = "") -> Message:
    """One of its texts, as `rendered`, to an E.164 number. Raises CampaignError.

    Transactional, and never to a number that is suppressed. A short link in it has the right length and leads nowhere:
    only a launch gives it a target.
    """
    text = rendered(campaign, which)
    _count(user)
    try:
        message = submit(recipient=number, body=text, lane=Lane.TRANSACTIONAL, sender=campaign.sender)
    except SubmitError as error:
        raise CampaignError(str(error)) from None
    if message.status == Status.SUPPRESSED:
        raise CampaignError(_("This number is on the suppression list: it gets no texts."))
    return message


def rendered(campaign: Campaign, which: str = "") -> str:
    """The text of this name for the first contact of the audience who reads it; without a name, the campaign's own for
    the first contact. For a made-up one where there is none. Raises CampaignError."""
    letter, _colon, tag = which.partition(":")
    written = campaign if letter in ("", split.OWN) else campaign.variants.filter(letter=letter).first()
    texts = writing.texts(written) if written else {}
    if written is None or tag not in texts:
        raise CampaignError(_("There is no such text any more: load the page anew."))
    version = templates.latest(written.template) if written.template else None
    try:
        people = audience.sample(campaign, PEOPLE if which else 1)
    except RulesError as error:
        raise CampaignError(audience_rules.unreadable(error)) from None
    readers = [person for person in people if not which or languages.pick(texts, person.language) == tag]
    first = next(iter(readers), None)
    shown = templates.preview(
        body=texts[tag if which or first is None else languages.pick(texts, first.language)],
        smart_encoding=version.smart_encoding if version else True,
        contact=first,
    )
    wrong = [found.message for found in shown.problems if found.kind is not templating.ProblemKind.UNKNOWN_VARIABLE]
    if wrong or not shown.text:
        raise CampaignError(_("The text is not finished."), *wrong)
    return shown.text


def _count(user: User) -> None:
    try:
        may = frequency.once_more(f"trial:{user.pk}", most=A_MINUTE)
    except redis.RedisError:
        raise CampaignError(_("Redis does not answer: nothing is sent until it does.")) from None
    if not may:
        raise CampaignError(_("That were %(most)d tests within a minute: wait for the next.") % {"most": A_MINUTE})
