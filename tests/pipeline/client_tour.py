"""A tour with the client that is generated from the OpenAPI document: run by itself, against a hub, with a key.

`python client_tour.py <address> <key>` writes the id of its campaign and of its message. Every step is typed, and
mypy reads it too.
"""

import sys
import time
from typing import TypeVar
from uuid import uuid4

from hub_client import AuthenticatedClient
from hub_client.api.campaigns import campaigns_create, campaigns_launch_create, campaigns_progress_retrieve
from hub_client.api.contacts import contacts_create
from hub_client.api.lists import lists_create, lists_members_change
from hub_client.api.messages import messages_batch_create, messages_create, messages_retrieve
from hub_client.api.templates import templates_create, templates_preview_create
from hub_client.api.whoami import whoami
from hub_client.models.batch_request import BatchRequest
from hub_client.models.batch_result import BatchResult
from hub_client.models.campaign import Campaign
from hub_client.models.campaign_request import CampaignRequest
from hub_client.models.contact import Contact
from hub_client.models.contact_request import ContactRequest
from hub_client.models.empty_request import EmptyRequest
from hub_client.models.list_ import List
from hub_client.models.list_request import ListRequest
from hub_client.models.members_change_request import MembersChangeRequest
from hub_client.models.members_changed import MembersChanged
from hub_client.models.message_detail import MessageDetail
from hub_client.models.preview_request import PreviewRequest
from hub_client.models.previewed import Previewed
from hub_client.models.problem import Problem
from hub_client.models.progress import Progress
from hub_client.models.send_request import SendRequest
from hub_client.models.sent import Sent
from hub_client.models.template import Template
from hub_client.models.template_write_request import TemplateWriteRequest
from hub_client.models.who_am_i import WhoAmI

PEOPLE = ["+14155550101", "+14155550102", "+14155550103"]

T = TypeVar("T")


def good(answer: object, kind: type[T]) -> T:
    """The answer, if it is what is hoped for."""
    assert not isinstance(answer, Problem), f"{answer.type_}: {answer.detail}"
    assert isinstance(answer, kind), answer
    return answer


def tour(client: AuthenticatedClient) -> tuple[int, str]:
    """A list of people, a text, a message by itself, a batch, a campaign; the campaign's id and the message's."""
    assert good(whoami.sync(client=client), WhoAmI).mode == "live"

    everybody = good(lists_create.sync(client=client, body=ListRequest(name="Everybody")), List)
    people = [good(contacts_create.sync(client=client, body=ContactRequest(phone=one)), Contact) for one in PEOPLE]
    members = MembersChangeRequest(add=[person.id for person in people])
    assert good(lists_members_change.sync(everybody.id, client=client, body=members), MembersChanged).size == len(
        PEOPLE
    )

    text = TemplateWriteRequest(name="Ready", body="Hello, your table is ready.")
    template = good(templates_create.sync(client=client, body=text), Template)
    shown = good(templates_preview_create.sync(template.id, client=client, body=PreviewRequest()), Previewed)
    assert (shown.text, shown.segments) == ("Hello, your table is ready.", 1)

    wanted = SendRequest(to="+14155550111", template=template.id)
    sent = good(messages_create.sync(client=client, body=wanted, idempotency_key=str(uuid4())), Sent)
    while not good(messages_retrieve.sync(sent.id, client=client), MessageDetail).events:
        time.sleep(0.1)  # whoever runs this gives it only so long

    batch = BatchRequest(messages=[SendRequest(to=f"+1415555012{last}", body="Hello.") for last in range(3)])
    done = good(messages_batch_create.sync(client=client, body=batch, idempotency_key=str(uuid4())), BatchResult)
    assert (done.accepted, done.refused) == (3, 0)

    draft = CampaignRequest(name="Tables", template=template.id, include=[everybody.id])
    campaign = good(campaigns_create.sync(client=client, body=draft), Campaign)
    good(campaigns_launch_create.sync(campaign.id, client=client, body=EmptyRequest()), Campaign)
    progress = good(campaigns_progress_retrieve.sync(campaign.id, client=client), Progress)
    assert progress.audience in (None, len(PEOPLE))
    return campaign.id, str(sent.id)


if __name__ == "__main__":
    address, key = sys.argv[1:]
    sys.stdout.write(" ".join(map(str, tour(AuthenticatedClient(base_url=address, token=key)))))
