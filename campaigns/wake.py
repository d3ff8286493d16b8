"""Wake-ups for campaign work, said by `delivery.wake`: losing one costs a second, for the tick says it again."""

from delivery.wake import say


def freeze(campaign_id: int) -> None:
    """The campaign was launched: its audience is to be frozen."""
    say("campaigns.tasks.freeze", campaign_id)


def materialise(campaign_id: int) -> None:
    """The campaign has chunks of audience without messages."""
    say("campaigns.tasks.materialise", campaign_id)


def retry_failed(campaign_id: int) -> None:
    """Somebody asked for the campaign's failures to be tried again."""
    say("campaigns.tasks.retry_failed", campaign_id)


def cancel_rest(campaign_id: int) -> None:
    """The campaign was cancelled: what has not been claimed is to be closed."""
    say("campaigns.tasks.cancel_rest", campaign_id)


def remind() -> None:
    """Reminders are due, or to be planned."""
    say("campaigns.tasks.remind")


def fetch_feeds() -> None:
    """Calendars are due to be fetched."""
    say("campaigns.tasks.fetch_feeds")


def read_file(file_id: int) -> None:
    """A file of appointments is to be checked, or applied."""
    say("campaigns.tasks.read_file", file_id)


def count_visits() -> None:
    """Somebody followed a link."""
    say("campaigns.tasks.count_visits")


def count_report(campaign_id: int) -> None:
    """The campaign's report is to be counted again."""
    say("campaigns.tasks.count_report", campaign_id)
