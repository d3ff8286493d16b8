"""What somebody has written cannot be used: one exception for forms and for the API, of every floor."""


class Unusable(ValueError):
    """`field` names what is wrong, "" all of it together; the text says why and what to write."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
