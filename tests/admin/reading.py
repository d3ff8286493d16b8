"""Pages as somebody reads them: parts by their `data-testid`, and what they say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Part:
    tag: str
    attributes: dict[str, str]
    inside: list["Part | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that is written in it, its white space made one."""
        return " ".join(" ".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for one in self.inside:
            if isinstance(one, str):
                yield one
            elif one.tag not in ("script", "style"):
                yield from one._texts()

    def __iter__(self) -> Iterator["Part"]:
        """It, and every part in it."""
        yield self
        for one in self.inside:
            if isinstance(one, Part):
                yield from one

    def named(self, start: str) -> list["Part"]:
        """Those whose `data-testid` begins so."""
        return [part for part in self if part.attributes.get("data-testid", "").startswith(start)]

    def find(self, name: str) -> "Part":
        """The first of that name; one without anything in it where there is none."""
        found = (part for part in self if part.attributes.get("data-testid") == name)
        return next(found, Part("", {}))

    def links(self) -> list[str]:
        return [part.attributes["href"] for part in self if part.tag == "a" and "href" in part.attributes]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Part("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        part = Part(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(part)
        if tag not in _VOID:
            self.open.append(part)

    def handle_endtag(self, tag: str) -> None:
        if any(part.tag == tag for part in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(html: bytes) -> Part:
    reader = _Reader()
    reader.feed(html.decode())
    return reader.open[0]
