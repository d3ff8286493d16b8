"""What the readers of files share: limits for hostile ones, and how a file is told by its looks."""

from datetime import UTC, datetime

MAX_BYTES = 20 * 1024 * 1024
#: Appointments of one file; what comes after is not looked at, and the answer says so.
MAX_ITEMS = 20_000


class UnreadableFile(ValueError):
    """Nothing of the file can be used; the text says why."""


def decoded(data: bytes) -> str:
    """Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"The file has more than {MAX_BYTES // 1024**2} MB.")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("The file is not text.")


def aware(at: datetime) -> datetime:
    """Of a time of a change that has no offset: UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
