"""Every address below /api/v1/. Names carry no trailing slash."""

from django.http import HttpRequest, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from campaigns.api.answers import AnswerRuleViewSet, AutoReplyViewSet, CannedReplyViewSet
from campaigns.api.appointments import AppointmentViewSet
from campaigns.api.campaigns import CampaignViewSet
from campaigns.api.conversations import ConversationViewSet
from campaigns.api.feeds import FeedViewSet
from campaigns.api.messages import SendingViewSet
from campaigns.api.plans import PlanViewSet
from campaigns.api.reports import ReportViewSet
from campaigns.api.rules import ReminderRuleViewSet
from campaigns.api.tasks import TaskViewSet
from campaigns.api.templates import TemplateViewSet
from campaigns.api.upcoming import UpcomingViewSet
from contacts.api.imports import ImportViewSet
from contacts.api.views import ListViewSet, SuppressionViewSet
from delivery.api.keywords import ConfirmationTextViewSet, KeywordViewSet
from delivery.api.providers import ProviderViewSet
from delivery.api.time_rules import AllowedHoursViewSet, FrequencyCapViewSet
from delivery.api.views import InboundViewSet
from delivery.api.ways import CountryLimitViewSet, RouteViewSet, SenderViewSet
from delivery.api.webhooks import WebhookViewSet
from smshub.api.endpoint import endpoint
from smshub.api.key_views import KeyViewSet
from smshub.api.postman import postman
from smshub.api.problems import CONTENT_TYPE, problem
from smshub.api.schema import openapi
from smshub.api.whoami import WhoAmI
from smshub.privacy.api import AskingConsentViewSet, ErasureViewSet, PersonViewSet

router = SimpleRouter(trailing_slash=False)
router.register("contacts", endpoint(PersonViewSet), "contacts")
router.register("lists", endpoint(ListViewSet), "lists")
router.register("imports", endpoint(ImportViewSet), "imports")
router.register("suppressions", endpoint(SuppressionViewSet), "suppressions")
router.register("consents", endpoint(AskingConsentViewSet), "consents")
router.register("erasures", endpoint(ErasureViewSet), "erasures")
router.register("templates", endpoint(TemplateViewSet), "templates")
router.register("campaigns", endpoint(CampaignViewSet), "campaigns")
router.register("appointments", endpoint(AppointmentViewSet), "appointments")
router.register("reminder-rules", endpoint(ReminderRuleViewSet), "reminder-rules")
router.register("conversations", endpoint(ConversationViewSet), "conversations")
router.register("reminders/upcoming", endpoint(UpcomingViewSet), "upcoming")
router.register("plans", endpoint(PlanViewSet), "plans")
router.register("tasks", endpoint(TaskViewSet), "tasks")
router.register("calendar-feeds", endpoint(FeedViewSet), "calendar-feeds")
router.register("messages", endpoint(SendingViewSet), "messages")
router.register("senders", endpoint(SenderViewSet), "senders")
router.register("routes", endpoint(RouteViewSet), "routes")
router.register("providers", endpoint(ProviderViewSet), "providers")
router.register("country-limits", endpoint(CountryLimitViewSet), "country-limits")
router.register("allowed-hours", endpoint(AllowedHoursViewSet), "allowed-hours")
router.register("frequency-caps", endpoint(FrequencyCapViewSet), "frequency-caps")
router.register("keywords", endpoint(KeywordViewSet), "keywords")
router.register("confirmation-texts", endpoint(ConfirmationTextViewSet), "confirmation-texts")
router.register("answer-rules", endpoint(AnswerRuleViewSet), "answer-rules")
router.register("automatic-replies", endpoint(AutoReplyViewSet), "automatic-replies")
router.register("canned-replies", endpoint(CannedReplyViewSet), "canned-replies")
router.register("reports", endpoint(ReportViewSet), "reports")
router.register("keys", endpoint(KeyViewSet), "keys")
router.register("inbound", endpoint(InboundViewSet), "inbound")
router.register("webhooks", endpoint(WebhookViewSet), "webhooks")


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> JsonResponse:
    hint = " Leave out the slash at the end." if rest.endswith("/") else ""
    document = problem("not-found", 404, f"There is no such address.{hint}")
    return JsonResponse(document, status=404, content_type=CONTENT_TYPE)


urlpatterns = [
    path("whoami", endpoint(WhoAmI).as_view(), name="whoami"),
    path("openapi.json", openapi, name="openapi"),
    path("postman.json", postman, name="postman"),
    path(
        "docs",
        SpectacularSwaggerView.as_view(url_name="openapi", authentication_classes=[], permission_classes=[]),
        name="api-docs",
    ),
    path(
        "redoc",
        # Its own template asks Google for fonts.
        SpectacularRedocView.as_view(
            url_name="openapi",
            template_name="smshub/redoc.html",
            authentication_classes=[],
            permission_classes=[],
        ),
        name="api-redoc",
    ),
    *router.urls,
    re_path(r"^(?P<rest>.*)$", nothing_here),
]
