"""Message templates: Liquid, sealed.

Staff write templates and contacts bring the data, so neither is trusted. A template sees the plain values it
is given and nothing else: no Python attributes, no files, no other templates, no clock. Tags and filters are
the ones listed here. What a contact's data contains is printed as it is, never evaluated.

A variable that a contact lacks (or has blank) stops that message with `MissingVariable`, unless a `default`
filter stands by; as a condition (`{% if doctor %}`) it is simply false. Filters pass it on untouched.

    template = parse("Hi {{ first_name | default: 'there' }}, see you at {{ clinic }}.")
    text = render(template, contact_context(name="Ada Byron", attributes={"clinic": "Elm Street"}))
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache, wraps
from typing import Any

from liquid import BoundTemplate, Environment, Node, RenderContext, StrictUndefined, Token
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral, RangeLiteral
from liquid.builtin.filters import array, math, misc, string
from liquid.builtin.tags import assign_tag, capture_tag, case_tag, comment_tag, for_tag, if_tag, unless_tag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.exceptions import (
    FilterArgumentError,
    LiquidError,
    LiquidTypeError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
    UndefinedError,
)
from liquid.expression import Expression
from liquid.undefined import is_undefined
from liquid.utils import ReadOnlyChainMap

# Twilio's longest body is 1,600 characters (error 21617); a template has branches and comments too.
MAX_TEMPLATE = 5_000
MAX_OUTPUT_BYTES = 10_000
MAX_LOOP = 100
MAX_DEPTH = 50
MAX_VALUE = 2_000
MAX_NUMBER = 10**15

CONTACT_FIELDS = ("name", "first_name", "phone", "language", "country")

TAGS = (
    content.Literal,
    output.Output,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    comment_tag.CommentTag,
    InlineCommentTag,
)


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
        return f"line {self.line}: {self.message}" if self.line else self.message


class MissingVariable(TemplateError):
    """The data has no value for a variable that the template prints."""

    def __init__(self, name: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"there is no value for '{name}'", line, column)
        self.args = (name, line, column)
        self.name = name


class ProblemKind(StrEnum):
    SYNTAX = "syntax"
    UNKNOWN_FILTER = "unknown_filter"
    UNKNOWN_VARIABLE = "unknown_variable"
    SAMPLE = "sample"


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


def check(
    body: str, known: Collection[str], sample: Mapping[str, object] | None = None
) -> tuple[Problem, ...]:
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
    template = parsed.template
    try:
        run = _Context(template, globals=context)
        buffer = run.get_buffer()
        template.render_with_context(run, buffer)
    except UndefinedError as error:
        line, column = _place(error.token)
        raise MissingVariable(_dotted(error.token), line, column) from None
    except LiquidError as error:
        raise TemplateError(_render_message(error), *_place(error.token)) from None
    except Exception:
        # On odd data the library's filters leak ValueError, OverflowError, UnicodeError and others.
        raise TemplateError("the data of this contact does not fit the template") from None
    return _tidy(buffer.getvalue())


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
    nested = _Group((key, _plain(value)) for key, value in (attributes or {}).items() if not _blank(value))
    fields = zip(CONTACT_FIELDS, (name, first_name, phone, language, country), strict=True)
    context: dict[str, object] = {**nested, **{key: value for key, value in fields if not _blank(value)}}
    if "first_name" not in context and not _blank(name):
        context["first_name"] = name.split()[0]
    context["attributes"] = nested
    return context


# --- the engine ---------------------------------------------------------------------------------------------


class _Missing(StrictUndefined):
    """Stops the message when printed, looped over or calculated with; false in a condition."""

    allowed_properties = StrictUndefined.allowed_properties | {"__class__", "__liquid__"}

    def __liquid__(self) -> object:
        return None


class _Context(RenderContext):
    """A render context without the library's `now` and `today`: no message depends on a server's clock."""

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope = ReadOnlyChainMap(self.locals, self.globals)


class _Group(dict[str, object]):
    """Values under a name, such as `attributes`. Printed whole, it would show Python's brackets to people."""

    def __str__(self) -> str:
        raise _GroupPrintedError("a group of values cannot be printed", token=None)


class _GroupPrintedError(LiquidTypeError):
    pass


class _Template(BoundTemplate):
    context_class = _Context


class _Sealed(Environment):
    block_nesting_limit = 10
    context_depth_limit = 20
    loop_iteration_limit = MAX_LOOP
    local_namespace_limit = 20_000
    output_stream_limit = MAX_OUTPUT_BYTES
    template_class = _Template

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, function in _FILTERS.items():
            self.add_filter(name, function if name == "default" else _bounded(function))

    def error(
        self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None
    ) -> None:
        # "End of expression" stands nowhere; the tag that ended does.
        if isinstance(exc, LiquidError) and exc.token is not None and exc.token.start_index < 0:
            exc.token = token
        super().error(exc, msg, token)


Filter = Callable[..., Any]


def _bounded(function: Filter) -> Filter:
    """The filter, passing a missing value on, and refusing what could grow without end.

    Every value going in and coming out is small, so the worst step (a replace of "") stays in megabytes.
    """

    @wraps(function)
    def filtered(value: object, *args: object, **kwargs: object) -> object:
        for given in (value, *args):
            if is_undefined(given):
                return given
            _refuse_large(given)
        result = function(value, *args, **kwargs)
        _refuse_large(result)
        return result

    return filtered


def _refuse_large(value: object) -> None:
    if isinstance(value, str | list | tuple | dict | range):
        large = len(value) > MAX_VALUE
    else:
        large = isinstance(value, int | float) and not abs(value) <= MAX_NUMBER
    if large:
        raise ResourceLimitError("value too large", token=None)


def _date(value: object, form: str) -> str:
    """Print a date, or its ISO 8601 text, by strftime codes. There is no "now": see _Context."""
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(str(value).strip())
        return moment.strftime(str(form))
    except ValueError:
        raise FilterArgumentError("not a date", token=None) from None


_FILTERS: dict[str, Filter] = {
    "default": misc.default,
    "size": misc.size,
    "date": _date,
    "upcase": string.upcase,
    "downcase": string.downcase,
    "capitalize": string.capitalize,
    "strip": string.strip,
    "lstrip": string.lstrip,
    "rstrip": string.rstrip,
    "squish": string.squish,
    "strip_newlines": string.strip_newlines,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "append": string.append,
    "prepend": string.prepend,
    "remove": string.remove,
    "remove_first": string.remove_first,
    "replace": string.replace,
    "replace_first": string.replace_first,
    "slice": string.slice_,
    "split": string.split,
    "url_encode": string.url_encode,
    "join": array.join,
    "first": array.first,
    "last": array.last,
    "plus": math.plus,
    "minus": math.minus,
    "times": math.times,
    "divided_by": math.divided_by,
    "modulo": math.modulo,
    "round": math.round_,
    "ceil": math.ceil,
    "floor": math.floor,
    "abs": math.abs_,
    "at_least": math.at_least,
    "at_most": math.at_most,
}

FILTERS = frozenset(_FILTERS)

_environment = _Sealed(undefined=_Missing)


@lru_cache(maxsize=512)
def _compile(body: str) -> ParsedTemplate:
    if len(body) > MAX_TEMPLATE:
        raise TemplateError(f"the template is longer than {MAX_TEMPLATE:,} characters")
    _refuse_unclosed(body)
    try:
        template = _environment.from_string(body)
    except LiquidError as error:
        line, column = _place(error.token)
        if not line:
            line, column = _line_column(body, len(body))
        raise TemplateError(_parse_message(error), line, column) from None
    for expression in _expressions(template):
        _refuse_expression(expression)
    return ParsedTemplate(body, template)


def _refuse_unclosed(body: str) -> None:
    """Answer at once what the library's lexer finds only after much backtracking."""
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        start = body.find(opening, body.rfind(closing) + 1)
        if start >= 0:
            raise TemplateError(f"'{opening}' is never closed by '{closing}'", *_line_column(body, start))


def _refuse_expression(expression: Expression) -> None:
    match expression:
        case Blank() | Empty():
            message = "there is no 'blank' or 'empty': a blank value is false, as in {% if name %}"
        case RangeLiteral(start=IntegerLiteral(value=start), stop=IntegerLiteral(value=stop)) if (
            stop - start < MAX_LOOP
        ):
            return
        case RangeLiteral():
            # The library makes a list of a reversed range, and searches one item by item, before it counts.
            message = f"a range is two numbers, at most {MAX_LOOP} apart, such as (1..5)"
        case _:
            return
    raise TemplateError(message, *_place(expression.token))


# --- reading templates --------------------------------------------------------------------------------------


def _nodes(nodes: Iterable[Node], static: RenderContext) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children(static), static)


def _below(expression: Expression, depth: int = 0) -> Iterator[Expression]:
    if depth > MAX_DEPTH:
        raise TemplateError("an expression is nested too deeply", *_place(expression.token))
    yield expression
    for child in expression.children():
        yield from _below(child, depth + 1)


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    for node in _nodes(template.nodes, RenderContext(template)):
        for expression in node.expressions():
            yield from _below(expression)


def _has_default(expression: Expression) -> bool:
    return isinstance(expression, FilteredExpression) and any(
        f.name == "default" for f in expression.filters or ()
    )


def _paths_below(roots: Iterable[Expression]) -> set[int]:
    """Where the variables of these expressions stand."""
    return {found.token.start_index for root in roots for found in _below(root) if isinstance(found, Path)}


def _variables(parsed: ParsedTemplate) -> tuple[Variable, ...]:
    expressions = list(_expressions(parsed.template))
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
    return tuple(
        Variable(name, *_line_column(parsed.body, index), name in required) for name, index in first.items()
    )


def _join(segments: Iterable[object]) -> str:
    """A path with dots, as far as it is fixed: `attributes[key]` can be any attribute."""
    fixed = []
    for segment in segments:
        if isinstance(segment, list):
            break
        fixed.append(str(segment))
    return ".".join(fixed)


def _unknown_filters(parsed: ParsedTemplate) -> list[Problem]:
    return [
        Problem(
            ProblemKind.UNKNOWN_FILTER,
            f"there is no filter '{f.name}'{_meant(f.name, FILTERS)}",
            *_place(f.token),
        )
        for expression in _expressions(parsed.template)
        if isinstance(expression, FilteredExpression)
        for f in expression.filters or ()
        if f.name not in FILTERS
    ]


def _unknown_variables(parsed: ParsedTemplate, known: Collection[str]) -> list[Problem]:
    return [
        Problem(
            ProblemKind.UNKNOWN_VARIABLE,
            f"no contact has '{variable.name}'{_meant(variable.name.removeprefix('attributes.'), known)}",
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
    close = get_close_matches(name, choices, n=1)
    return f": did you mean '{close[0]}'?" if close else ""


# --- places and words ---------------------------------------------------------------------------------------


def _line_column(body: str, index: int) -> tuple[int, int]:
    return body.count("\n", 0, index) + 1, index - body.rfind("\n", 0, index)


def _place(token: Token | None) -> tuple[int, int]:
    if token is None or token.start_index < 0:
        return 0, 0
    return _line_column(token.source, token.start_index)


_path = re.compile(r"[\w-]+(?:\.[\w-]+)*")


def _dotted(token: Token | None) -> str:
    """The variable that begins at a token, as it is written there."""
    found = _path.match(token.source, token.start_index) if token else None
    return found[0] if found else token.value if token else "a variable"


_missing_tag = re.compile(r"expected tag (\w+), found")


def _parse_message(error: LiquidError) -> str:
    if isinstance(error, ResourceLimitError):
        return f"blocks are nested more than {_Sealed.block_nesting_limit} deep"
    if error.token is None and error.__cause__ is not None:
        return "the template cannot be read: it may be nested too deeply"
    message = str(error.message)
    if missing := _missing_tag.match(message):
        return f"'{{% {missing[1]} %}}' is missing"
    return message.replace("a primitive expression", "a value").replace("expected word", "expected a name")


def _render_message(error: LiquidError) -> str:
    match error:
        case LoopIterationLimitError():
            return f"a loop runs more than {MAX_LOOP} times"
        case OutputStreamLimitError():
            return f"the text is longer than {MAX_OUTPUT_BYTES:,} bytes"
        case LocalNamespaceLimitError():
            return "the assigned values take too much room"
        case ResourceLimitError():
            return "a value is too large"
        case _GroupPrintedError():
            return "this names a group of values: print one of them, as in {{ attributes.city }}"
    # The library's other messages quote the data.
    if error.token is not None and error.token.value in FILTERS:
        return f"the filter '{error.token.value}' cannot use this value"
    return "the data of this contact does not fit here"


_not_text = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _tidy(text: str) -> str:
    if _not_text.search(text):
        text = _not_text.sub("", _line_feeds(text).replace("\t", " "))
    return text.rstrip()


def _blank(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)


_PLAIN = (str, int, float, date)


def _plain(value: object) -> object:
    """JSON values and dates as they are; anything else as its text, so that no object enters a template."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return _Group((str(key), _plain(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
