"""Message templates: Liquid, sealed.

Staff write templates and contacts bring the data, so neither is trusted: `campaigns.sandbox` says which tags
and filters there are, and what they can reach. What a contact's data contains is printed as it is, never
evaluated.

A variable that a contact lacks (or has blank) stops that message with `MissingVariable`, unless a `default`
filter stands by; as a condition (`{% if doctor %}`) it is simply false. Filters pass it on untouched.

    template = parse("Hi {{ first_name | default: 'there' }}, see you at {{ clinic }}.")
    text = render(template, contact_context(name="Ada Byron", attributes={"clinic": "Elm Street"}))
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile

from django.utils.translation import gettext as _
from liquid import BoundTemplate, Token
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path
from liquid.expression import Expression

from campaigns import sandbox

MAX_TEMPLATE = sandbox.MAX_TEMPLATE
CONTACT_FIELDS = ("name", "first_name", "phone", "language", "country")


class TemplateError(ValueError):
    """A template that cannot be used, or that failed on this data.

    `message` is for the person who wrote it; line and column count from 1 (0: no place to point at).
    Never repeats a value of the data.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message, line, column)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return (
            _("line %(line)s: %(message)s") % {"line": self.line, "message": self.message}
            if self.line
            else self.message
        )


class MissingVariable(TemplateError):
    """The data has no value for a variable that the template prints."""

    def __init__(self, name: str, line: int = 0, column: int = 0) -> None:
        super().__init__(_("there is no value for '%(name)s'") % {"name": name}, line, column)
        self.args = (name, line, column)
        self.name = name


class ProblemKind(StrEnum):
    SYNTAX = "syntax"
    UNKNOWN_FILTER = "unknown_filter"
    UNKNOWN_VARIABLE = "unknown_variable"
    SAMPLE = "sample"
    RESERVED_ANSWER = "reserved_answer"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to correct before a template is saved. Line and column count from 1."""

    kind: ProblemKind
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable the data must bring, and where it is first used.

    `name` is dotted ("attributes.doctor"). It is `required` if a message that lacks it stops, as far as
    reading tells: it is printed without a `default` filter, and no condition asks for it.
    """

    name: str
    line: int
    column: int
    required: bool


@dataclass(frozen=True, slots=True)
class ParsedTemplate:
    """A template ready to render, any number of times and from any thread."""

    body: str
    template: BoundTemplate


# --- the surface --------------------------------------------------------------------------------------------


def parse(body: str) -> ParsedTemplate:
    """Compile a template; the last few hundred stay compiled.

    Raises TemplateError at the first thing wrong with it: syntax, an unknown tag or filter, a limit.
    """
    parsed = _compile(_line_feeds(body))
    for problem in _unknown_filters(parsed):
        raise TemplateError(problem.message, problem.line, problem.column)
    return parsed


def variables(body: str) -> tuple[Variable, ...]:
    """What the template needs from its data, in order of first use; names it assigns itself are left out.

    Raises TemplateError.
    """
    return _variables(parse(body))


def check(body: str, known: Collection[str], sample: Mapping[str, object] | None = None) -> tuple[Problem, ...]:
    """What to correct in a template before it is saved, by line.

    `known` are the variables contacts can have: "name", "doctor" (which also admits "attributes.doctor").
    With a `sample` context, a template that is otherwise right is rendered with it too.
    """
    try:
        parsed = _compile(_line_feeds(body))
        found = [*_unknown_filters(parsed), *_unknown_variables(parsed, known)]
    except TemplateError as error:
        return (Problem(ProblemKind.SYNTAX, error.message, error.line, error.column),)
    if not found and sample is not None:
        try:
            render(parsed, sample)
        except TemplateError as error:
            found.append(Problem(ProblemKind.SAMPLE, error.message, error.line, error.column))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def render(parsed: ParsedTemplate, context: Mapping[str, object]) -> str:
    """The text for one recipient: line feeds only, no control characters, no white space at its end.

    Raises MissingVariable, or TemplateError if the data does not fit the template or a limit is reached.
    """
    try:
        text = sandbox.run(parsed.template, context)
    except sandbox.Missing as error:
        raise MissingVariable(error.words, *_place(error.token)) from None
    except sandbox.Refused as error:
        raise TemplateError(error.words, *_place(error.token)) from None
    return _tidy(text)


def contact_context(
    *,
    name: str = "",
    first_name: str = "",
    phone: str = "",
    language: str = "",
    country: str = "",
    attributes: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The data of one contact for `render`.

    Attributes stand at the top level and under `attributes`; a field of the contact hides an attribute of its
    name unless it is blank. Without a first name, the first word of the name is taken. Blank values are left
    out: they count as missing.
    """
    nested = sandbox.Group(
        (key, sandbox.plain(value)) for key, value in (attributes or {}).items() if not _blank(value)
    )
    fields = zip(CONTACT_FIELDS, (name, first_name, phone, language, country), strict=True)
    context: dict[str, object] = {**nested, **{key: value for key, value in fields if not _blank(value)}}
    if "first_name" not in context and not _blank(name):
        context["first_name"] = name.split()[0]
    context["attributes"] = nested
    return context


# --- reading templates --------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _compile(body: str) -> ParsedTemplate:
    try:
        return ParsedTemplate(body, sandbox.compile_body(body))
    except sandbox.Refused as error:
        raise TemplateError(error.words, *_place(error.token)) from None


def _has_default(expression: Expression) -> bool:
    return isinstance(expression, FilteredExpression) and any(f.name == "default" for f in expression.filters or ())


def _paths_below(roots: Iterable[Expression]) -> set[int]:
    """Where the variables of these expressions stand."""
    return {found.token.start_index for root in roots for found in sandbox.below(root) if isinstance(found, Path)}


def _variables(parsed: ParsedTemplate) -> tuple[Variable, ...]:
    expressions = list(sandbox.expressions(parsed.template))
    defaulted = _paths_below(filter(_has_default, expressions))
    conditions = _paths_below(found for found in expressions if isinstance(found, BooleanExpression))
    first: dict[str, int] = {}
    printed: set[str] = set()
    asked: set[str] = set()
    uses = (use for found in parsed.template.analyze().globals.values() for use in found)
    for use in sorted(uses, key=lambda use: use.span.index):
        name, index = _join(use.segments), use.span.index
        first.setdefault(name, index)
        if index in conditions:
            asked.add(name)
        elif index not in defaulted:
            printed.add(name)
    required = printed - asked
    return tuple(Variable(name, *_line_column(parsed.body, index), name in required) for name, index in first.items())


def _join(segments: Iterable[object]) -> str:
    """A path with dots, as far as it is fixed: `attributes[key]` can be any attribute."""
    return ".".join(map(str, takewhile(lambda segment: not isinstance(segment, list), segments)))


def _unknown_filters(parsed: ParsedTemplate) -> list[Problem]:
    return [
        Problem(
            ProblemKind.UNKNOWN_FILTER,
            _("there is no filter '%(name)s'%(meant)s") % {"name": f.name, "meant": _meant(f.name, sandbox.FILTERS)},
            *_place(f.token),
        )
        for expression in sandbox.expressions(parsed.template)
        if isinstance(expression, FilteredExpression)
        for f in expression.filters or ()
        if f.name not in sandbox.FILTERS
    ]


def _unknown_variables(parsed: ParsedTemplate, known: Collection[str]) -> list[Problem]:
    return [
        Problem(
            ProblemKind.UNKNOWN_VARIABLE,
            _("no contact has '%(name)s'%(meant)s")
            % {"name": variable.name, "meant": _meant(variable.name.removeprefix("attributes."), known)},
            variable.line,
            variable.column,
        )
        for variable in _variables(parsed)
        if not _is_known(variable.name, known)
    ]


def _is_known(name: str, known: Collection[str]) -> bool:
    if name == "attributes":
        return True
    segments = name.removeprefix("attributes.").split(".")
    return any(".".join(segments[: count + 1]) in known for count in range(len(segments))) or name in known


def _meant(name: str, choices: Collection[str]) -> str:
    close = get_close_matches(name, choices, n=1) or [choice for choice in choices if choice.endswith(f".{name}")]
    return _(": did you mean '%(close)s'?") % {"close": close[0]} if close else ""


# --- places and words ---------------------------------------------------------------------------------------


def _line_column(body: str, index: int) -> tuple[int, int]:
    return body.count("\n", 0, index) + 1, index - body.rfind("\n", 0, index)


def _place(token: Token | None) -> tuple[int, int]:
    if token is None or token.start_index < 0:
        return 0, 0
    return _line_column(token.source, token.start_index)


_not_text = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tidy(text: str) -> str:
    if _not_text.search(text):
        text = _not_text.sub("", _line_feeds(text).replace("\t", " "))
    return text.rstrip()


def _blank(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)
