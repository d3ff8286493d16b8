"""Parts of incoming texts put together: in any order, more than once, and not without end. No I/O and no clock.

A text is known by who wrote to whom under which reference and in how many parts (3GPP TS 23.040 9.2.3.24.1). One whose
parts do not all come is given out as it is when its time is over: what a person wrote may be worth reading without
its middle, and a STOP may stand in what came.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from delivery.smpp.text import Concat

T = TypeVar("T")


@dataclass(slots=True)
class Text(Generic[T]):
    """A text of which parts have come. `parts`: each by its number, the first that came under it."""

    total: int
    until: float
    parts: dict[int, T] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return len(self.parts) == self.total

    def in_order(self) -> list[T | None]:
        """Its parts; None for one that is missing."""
        return [self.parts.get(number) for number in range(1, self.total + 1)]


class Reassembly(Generic[T]):
    """Texts in parts, at most `most` of them at a time, each for `seconds` from its first part on."""

    def __init__(self, *, seconds: float, most: int = 1000) -> None:
        self.seconds = seconds
        self.most = most
        self._texts: dict[Hashable, Text[T]] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, who: Hashable, concat: Concat, part: T, *, now: float) -> Text[T]:
        """The text that this is a part of; when it is whole it is not kept any longer."""
        key = (who, concat.reference, concat.total)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = Text(concat.total, now + self.seconds)
        text.parts.setdefault(concat.number, part)
        if text.is_whole:
            del self._texts[key]
        return text

    def over(self, *, now: float) -> list[Text[T]]:
        """Texts whose time is over, and the oldest beyond `most`: incomplete, and not kept any longer."""
        found = []
        for key in list(self._texts):
            if self._texts[key].until > now and len(self._texts) <= self.most:
                break
            found.append(self._texts.pop(key))
        return found

    def all(self) -> list[Text[T]]:
        """Every text that is incomplete, not kept any longer."""
        texts = list(self._texts.values())
        self._texts.clear()
        return texts
