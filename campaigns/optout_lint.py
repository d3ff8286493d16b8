"""Whether a marketing text says how to stop such texts. A hint and no refusal: some say it in every other text, as
they may, and a link to preferences cannot be told from any other.
"""

import re

from campaigns.answer_lint import without_liquid
from campaigns.models import Campaign
from contacts.models import ConsentEvent
from delivery.inbound import keywords
from delivery.models import Inbound

# A word that is to be sent stands in capitals or in quotes, as texts set it off.
_SET_OFF = re.compile(r"[\"'“”‘’«»„‚「」]\s*([^\W\d_]{2,20})|(?<!\w)([^\W\d_]{2,20})(?!\w)")


def offers_opt_out(body: str) -> bool:
    """Whether some word that stops texts, in any language, is set off in the text."""
    return any(
        (quoted or bare.isupper()) and keywords.recognise(quoted or bare) == Inbound.Keyword.STOP
        for quoted, bare in _SET_OFF.findall(without_liquid(body))
    )


def lacks_opt_out(campaign: Campaign, body: str) -> bool:
    return bool(body.strip()) and campaign.purpose == ConsentEvent.Purpose.MARKETING and not offers_opt_out(body)
