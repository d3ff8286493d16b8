"""A campaign's text sent to the one who writes it: as a message of its own, unknown to the campaign."""

import redis
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from campaigns import audience, audience_rules, languages, templates, templating, writing
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


def send(*, campaign: Campaign, number: str, user: User) -> Message:
    """Its text, as the first contact of its audience would get it, to an E.164 number. Raises CampaignError.

    Transactional, and never to a number that is suppressed. A short link in it has the right length and leads nowhere:
    only a launch gives it a target.
    """
    text = rendered(campaign)
    _count(user)
    try:
        message = submit(recipient=number, body=text, lane=Lane.TRANSACTIONAL, sender=campaign.sender)
    except SubmitError as error:
        raise CampaignError(str(error)) from None
    if message.status == Status.SUPPRESSED:
        raise CampaignError(_("This number is on the suppression list: it gets no texts."))
    return message


def rendered(campaign: Campaign) -> str:
    """The text for the first contact of the audience, or a made-up one where there is none. Raises CampaignError."""
    version = templates.latest(campaign.template) if campaign.template else None
    try:
        first = next(iter(audience.sample(campaign, 1)), None)
    except RulesError as error:
        raise CampaignError(audience_rules.unreadable(error)) from None
    texts = writing.texts(campaign)
    shown = templates.preview(
        body=texts[languages.pick(texts, first.language if first else "")],
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
