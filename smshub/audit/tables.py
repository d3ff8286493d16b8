"""Which tables the audit log follows row by row, as data.

What a column holds decides whether its values are kept: numbers, truth values, times, choices and references are; of
texts and everything sealed only the name is, unless the table says here that its texts are set-up and nothing else. So
no new column with a person's name or a secret in it is copied because somebody forgot it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models


class By(StrEnum):
    """Whose changes are recorded. Rows that imports or workers write by the million are followed for people alone."""

    ANYBODY = ""
    CALLERS = "current_setting('smshub.audit', true) <> ''"
    USERS = "current_setting('smshub.audit', true) LIKE '{\"kind\": \"user\"%'"


@dataclass(frozen=True, slots=True)
class Table:
    """`texts`: columns of text whose values are shown. `silent`: columns that the hub keeps up to date by itself."""

    texts: str = ""
    silent: str = ""
    by: By = By.ANYBODY


AUDITED: dict[str, Table] = {
    # Users and keys
    "auth.User": Table("username", "last_login"),
    "auth.Group": Table("name"),
    "auth.User.groups": Table(),
    "auth.User.user_permissions": Table(),
    # Written anew from their table after each migration.
    "auth.Group.permissions": Table(by=By.CALLERS),
    "accounts.Totp": Table(silent="last_step failures failed_at"),
    "accounts.Passkey": Table("name", "sign_count used_at"),
    "api.ApiKey": Table("name prefix scopes allowed_from", "last_used_at old_used_at"),
    "api.ApiKey.senders": Table(),
    "api.SmppLogin": Table("system_id allowed_from", "last_bound_at"),
    "api.SmppLogin.senders": Table(),
    "api.TwilioLogin": Table("name account_sid key_sid service_sid"),
    "api.TwilioLogin.senders": Table(),
    # Set-up
    "delivery.Provider": Table("name adapter disabled_reason", "updated_at unbound_at"),
    "delivery.Sender": Table("address disabled_reason display_name"),
    "delivery.CountryLimit": Table("country"),
    "delivery.Price": Table("country", by=By.CALLERS),
    "delivery.Route": Table("country"),
    "delivery.AllowedHours": Table("country state source", "updated_at"),
    "delivery.FrequencyCap": Table("country state source", "updated_at"),
    "delivery.Keyword": Table("word", "folded"),
    "delivery.ConfirmationText": Table("language body"),
    "delivery.WebhookEndpoint": Table(
        "events disabled_reason",
        "updated_at turn turn_at lease_until not_before failures failing_since last_error last_error_at"
        " last_success_at redacted_upto",
    ),
    "campaigns.CalendarFeed": Table(
        "name time_zone default_country",
        "revision etag last_modified next_at claimed_until fetched_at read_at doubted_at failures error counts"
        " problems",
    ),
    "campaigns.ReminderRule": Table("name kind statuses"),
    "campaigns.AnswerRule": Table("name kind words replies"),
    "campaigns.AutoReply": Table("time_zone country state open_texts closed_texts"),
    "campaigns.CannedReply": Table("name language body"),
    # Campaigns
    "campaigns.Template": Table("name description"),
    "campaigns.TemplateVersion": Table("body variables"),
    "campaigns.Campaign": Table(
        "name paused_reason", "judged_from retrying_after draft_text draft_translations draft_pages"
    ),
    "campaigns.Campaign.include": Table(),
    "campaigns.Campaign.exclude": Table(),
    "campaigns.Variant": Table("letter", "draft_text draft_translations"),
    "campaigns.Approval": Table(),
    "campaigns.Link": Table("name target"),
    "delivery.CampaignLimit": Table(silent="spent", by=By.CALLERS),
    # Consent and people
    "contacts.ContactList": Table("name description", "size"),
    "contacts.Contact": Table(silent="updated_at", by=By.USERS),
    "contacts.Suppression": Table("scope", by=By.CALLERS),
    "contacts.ConsentEvent": Table("scope", by=By.CALLERS),
    "contacts.Erasure": Table(silent="progress counts", by=By.CALLERS),
}

#: What is changed in admin and not followed row by row, and why. What is done about it is recorded as an action.
NOT_BY_ROW = {
    "contacts.ContactImport": "counts its rows as it reads them",
    "campaigns.AppointmentFile": "counts its items as it reads them",
    "campaigns.Appointment": "comes from other systems, many at a time",
    "campaigns.Plan": "comes from other systems, many at a time",
    "campaigns.Reminder": "planned and sent by the hub",
    "campaigns.StaffTask": "made by the hub; who did it stands in it",
    "campaigns.Conversation": "goes on with every text",
    "delivery.Message": "has a timeline of its own",
    "delivery.Inbound": "written by the hub, and never changed",
    "delivery.Confirmation": "written by the hub, and never changed",
    "delivery.WebhookDelivery": "written by the hub; each try is in its log",
    "audit.Entry": "is the log",
}

_PLAIN = (
    models.ForeignKey,
    models.BooleanField,
    models.IntegerField,
    models.DecimalField,
    models.FloatField,
    models.DateField,
    models.TimeField,
    models.UUIDField,
)


@dataclass(frozen=True, slots=True)
class Followed:
    """A table as its trigger needs it. `key`: the column that names the object."""

    table: str
    subject: str
    key: str
    shown: tuple[str, ...]
    silent: tuple[str, ...]
    by: By


@cache
def followed() -> tuple[Followed, ...]:
    return tuple(_of(label, table) for label, table in AUDITED.items())


@cache
def names() -> frozenset[str]:
    return frozenset(one.table for one in followed())


def _of(label: str, table: Table) -> Followed:
    app, name, *relation = label.split(".")
    model: Any = apps.get_model(app, name)
    key = model._meta.pk.column
    if relation:
        many = model._meta.get_field(relation[0])
        model, key = many.remote_field.through, many.m2m_column_name()
    return Followed(
        table=model._meta.db_table,
        subject=label,
        key=key,
        shown=tuple(_shown(model, set(table.texts.split()))),
        silent=tuple(model._meta.get_field(name).column for name in table.silent.split()),
        by=table.by,
    )


def _shown(model: Any, texts: set[str]) -> Iterator[str]:
    for column in model._meta.local_fields:
        if isinstance(column, _PLAIN) or column.choices or column.name in texts:
            yield column.column
