"""Short, as tables need it."""

DATE_FORMAT = "j. M Y"
DATETIME_FORMAT = "j. M Y H:i"
TIME_FORMAT = "H:i"
