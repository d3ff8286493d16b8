"""Beside the choice of a campaign's time: who would wait, and the hours that are allowed where its people are."""

from typing import Any

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from psycopg.errors import QueryCanceled

from campaigns import deferral, hours, local_time
from campaigns.models import Campaign
from contacts.admin.base import PageAdmin
from delivery import clock

#: Somebody waits for it while they choose.
MILLISECONDS = 5000


class HoursPages(PageAdmin):
    def hours_pages(self) -> dict[str, Any]:
        return {"hours": ("<int:pk>/hours/", self.hours_view)}

    def hours_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/wizard/hours.html", _found(campaign))


def _found(campaign: Campaign) -> dict[str, Any]:
    """Of an audience that takes too long to read nothing is counted: better no number than a page that hangs."""
    wrong = local_time.problems(campaign, campaign.scheduled_at or clock.now())
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {MILLISECONDS}")
            return {
                "wrong": wrong,
                "waits": deferral.deferred(campaign, campaign.scheduled_at),
                "countries": hours.of(campaign),
            }
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return {"wrong": wrong, "too_many": True}
