"""Models: the migrations say all of them, and staff see all of them, or there is a reason."""

from django.apps import apps
from django.contrib import admin
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState
from django.db.models import Model

from tests.repo.files import PACKAGES

#: Models without an admin of their own, and why.
NOT_IN_ADMIN = {
    "contacts.NumberKey": "the sealed key that erased numbers are known again by; nobody ever sees it",
    "contacts.Membership": "seen and changed on the list and on the contact",
    "delivery.Attempt": "earlier attempts of a message; told by its timeline",
    "delivery.MessageEvent": "the timeline on the message's page",
    "delivery.MessagePart": "the parts on the message's page",
    "delivery.MessageRequest": "what an API caller said of a message, on the message's page",
    "delivery.Month": "keys and progress of housekeeping; the doctor says what is wrong with them",
    "delivery.MonthSummary": "for reports in SQL: what is left of months whose messages were dropped",
    "delivery.InboxReceipt": "the receipts' waiting room: rows stay for about a second",
    "delivery.CampaignLimit": "a campaign's own pace and budget, set on its draft and by its button",
    "delivery.CampaignHold": "the campaign's pause, set and lifted by its buttons",
    "delivery.HealthChange": "the history on the provider's page",
    "delivery.HealthCount": "deltas; their sums are what a provider is judged by",
    "delivery.Price": "the list behind the provider's button",
    "delivery.ProviderHealth": "on the provider's page, and its button",
    "delivery.CountryLimit": "a table on its provider's page",
    "delivery.Submission": "what a door must know of a message to tell of it; the message is in admin",
    "delivery.Word": "receipts and texts that a system is owed; rows stay until it acknowledges them",
    "delivery.Place": "windows that the clock keeps from the allowed hours; a message says until when it is held",
    "delivery.Reached": "times that frequency caps count, by number; forgotten after a month",
    "delivery.WebhookAttempt": "failed attempts, on the delivery's page",
    "delivery.Tally": "deltas; their sums are the campaign's progress",
    "delivery.Reaction": "counted in the report; who is behind a number is its drill-down",
    "delivery.ReactionTally": "deltas; their sums are the report's clicks, replies and opt-outs",
    "campaigns.Link": "a table on the campaign and on the template",
    "campaigns.LinkedMessage": "what a single message's links are resolved by",
    "campaigns.Visit": "visits that wait to be counted: rows stay for about a second",
    "campaigns.CampaignReport": "what was counted for the report, which is a page of the campaign",
    "campaigns.TemplateVersion": "seen on the template, never changed",
    "campaigns.Approval": "asked for and given in the review of the campaign, and told by its history",
    "campaigns.Variant": "chosen in the wizard's message step, and seen in the campaign's report",
    "campaigns.CampaignEvent": "the history on the campaign's page",
    "campaigns.ConversationReply": "who an answer is from; shown beside it in its conversation",
    "campaigns.AudienceEntry": "numbered ids that last while the messages are being made",
    "campaigns.AudienceChunk": "how far the making of messages got; shown as progress",
    "api.SmppPart": "parts of a long text that wait for the others, for minutes",
    "api.IdempotencyRecord": "answers kept for a repeated request, body included",
}


def ours() -> dict[str, type[Model]]:
    return {model._meta.label: model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES}


def test_no_migration_is_missing() -> None:
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), NonInteractiveMigrationQuestioner()
    )
    labels = {config.label for config in apps.get_app_configs() if config.name.partition(".")[0] in PACKAGES}
    changes = detector.changes(graph=loader.graph, trim_to_apps=labels, convert_apps=labels)
    assert not {
        app: [operation.describe() for m in found for operation in m.operations] for app, found in changes.items()
    }


def test_no_two_migrations_are_both_the_last() -> None:
    assert not MigrationLoader(None).detect_conflicts()


def test_every_model_is_in_admin_or_has_a_reason_not_to_be() -> None:
    assert not {label for label, model in ours().items() if model not in admin.site._registry} - set(NOT_IN_ADMIN)


def test_no_reason_is_given_for_what_is_in_admin() -> None:
    assert set(NOT_IN_ADMIN) <= {label for label, model in ours().items() if model not in admin.site._registry}
