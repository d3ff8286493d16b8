"""The sealed Liquid that templates run in: what they may say, and how much of it.

A template sees the plain values it is given and nothing else: no Python attributes, no files, no other
templates, no clock. Tags and filters are the ones listed here, and nothing grows without end.

Everything refused is told as `Refused`, in words for the author that never repeat a value of the data.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import wraps
from typing import Any

from django.utils.translation import gettext as _
from liquid import BoundTemplate, Environment, Node, RenderContext, StrictUndefined, Token
from liquid.builtin import content, illegal, output
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

from contacts.wording import figure

Filter = Callable[..., Any]

# Twilio's longest body is 1,600 characters (error 21617); a template has branches and comments too.
MAX_TEMPLATE = 5_000
MAX_OUTPUT_BYTES = 10_000
MAX_LOOP = 100
MAX_BLOCKS = 10
MAX_DEPTH = 50
MAX_VALUE = 2_000
MAX_NUMBER = 10**15


class Refused(LiquidTypeError):
    """What a template may not do, or data it cannot take; `words` say so to its author, `token` where."""

    def __init__(self, words: str, *, token: Token | None) -> None:
        super().__init__(words, token=token)
        self.words = words


class Missing(Refused):
    """The data has no value for a variable that is printed; `words` are its name."""


# --- compiling and running ----------------------------------------------------------------------------------


def compile_body(body: str) -> BoundTemplate:
    """A template to run any number of times, from any thread. Its filters may still be unknown ones.

    Raises Refused at the first thing wrong with it: syntax, an unknown tag, a limit.
    """
    if len(body) > MAX_TEMPLATE:
        raise Refused(_("the template is longer than %(most)s characters") % {"most": figure(MAX_TEMPLATE)}, token=None)
    _refuse_unclosed(body)
    try:
        template = _environment.from_string(body)
    except LiquidError as error:
        nowhere = error.token is None or error.token.start_index < 0
        raise Refused(_parse_words(error), token=_at(body, len(body)) if nowhere else error.token) from None
    for expression in expressions(template):
        _refuse_expression(expression)
    return template


def run(template: BoundTemplate, context: Mapping[str, object]) -> str:
    """The text for these values, which `plain` has made safe.

    Raises Missing, or Refused if the data does not fit the template or a limit is reached.
    """
    scene = RenderContext(template, globals=context)
    # Without the library's `now` and `today`: no message depends on a server's clock.
    scene.scope = ReadOnlyChainMap(scene.locals, scene.globals)
    buffer = scene.get_buffer()
    try:
        template.render_with_context(scene, buffer)
    except UndefinedError as error:
        raise Missing(_dotted(error.token), token=error.token) from None
    except LiquidError as error:
        raise Refused(_render_words(error), token=error.token) from None
    except Exception:
        # On odd data the library's filters leak ValueError, OverflowError, UnicodeError and others.
        raise Refused(_("the data of this contact does not fit the template"), token=None) from None
    return buffer.getvalue()


def expressions(template: BoundTemplate) -> Iterator[Expression]:
    """Every expression of a template, and every one below it."""
    for node in _nodes(template.nodes, RenderContext(template)):
        for expression in node.expressions():
            yield from below(expression)


def below(expression: Expression, depth: int = 0) -> Iterator[Expression]:
    """An expression and all that it is made of. Raises Refused if that is too deep to walk."""
    if depth > MAX_DEPTH:
        raise Refused(_("an expression is nested too deeply"), token=expression.token)
    yield expression
    for child in expression.children():
        yield from below(child, depth + 1)


def _nodes(nodes: Iterable[Node], static: RenderContext) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children(static), static)


def _refuse_unclosed(body: str) -> None:
    """Answer at once what the library's lexer finds only after much backtracking."""
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        start = body.find(opening, body.rfind(closing) + 1)
        if start >= 0:
            raise Refused(
                _("'%(opening)s' is never closed by '%(closing)s'") % {"opening": opening, "closing": closing},
                token=_at(body, start),
            )


def _at(body: str, index: int) -> Token:
    return Token("", "", index, body)


def _refuse_expression(expression: Expression) -> None:
    match expression:
        case Blank() | Empty():
            words = _("there is no 'blank' or 'empty': a blank value is false, as in %(tag)s") % {
                "tag": "{% if name %}"
            }
            raise Refused(words, token=expression.token)
        case RangeLiteral(start=IntegerLiteral(value=start), stop=IntegerLiteral(value=stop)) if (
            stop - start < MAX_LOOP
        ):
            pass
        case RangeLiteral():
            # The library makes a list of a reversed range, and searches one item by item, before it counts.
            words = _("a range is two numbers, at most %(most)s apart, such as (1..5)") % {"most": MAX_LOOP}
            raise Refused(words, token=expression.token)


# --- values -------------------------------------------------------------------------------------------------


class Group(dict[str, object]):
    """Values under a name, such as `attributes`. Printed whole, it would show Python's brackets to people."""

    def __str__(self) -> str:
        raise Refused(_("this names a group of values: print one of them, as in {{ attributes.city }}"), token=None)


def plain(value: object) -> object:
    """JSON values and dates as they are; anything else as its text, so that no object enters a template."""
    if value is None or isinstance(value, str | int | float | date):
        return value
    if isinstance(value, Mapping):
        return Group((str(key), plain(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


class _Absent(StrictUndefined):
    """Stops the message when printed, looped over or calculated with; false in a condition."""

    allowed_properties = StrictUndefined.allowed_properties | {"__class__", "__liquid__"}

    def __liquid__(self) -> object:
        return None


# --- tags and filters ---------------------------------------------------------------------------------------

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


def _date(value: object, form: str) -> str:
    """Print a date, or its ISO 8601 text, by strftime codes. There is no "now"."""
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(str(value).strip())
        return moment.strftime(str(form))
    except ValueError:
        raise FilterArgumentError(_("not a date"), token=None) from None


FILTERS: Mapping[str, Filter] = {
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
        raise ResourceLimitError(_("value too large"), token=None)


class _Sealed(Environment):
    block_nesting_limit = MAX_BLOCKS
    context_depth_limit = 20
    loop_iteration_limit = MAX_LOOP
    local_namespace_limit = 20_000
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, function in FILTERS.items():
            self.add_filter(name, function if name == "default" else _bounded(function))

    def error(self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None) -> None:
        # "End of expression" stands nowhere; the tag that ended does.
        if isinstance(exc, LiquidError) and exc.token is not None and exc.token.start_index < 0:
            exc.token = token
        super().error(exc, msg, token)


_environment = _Sealed(undefined=_Absent)

# --- words --------------------------------------------------------------------------------------------------

_path = re.compile(r"[\w-]+(?:\.[\w-]+)*")


def _dotted(token: Token | None) -> str:
    """The variable that begins at a token, as it is written there."""
    found = _path.match(token.source, token.start_index) if token else None
    return found[0] if found else token.value if token else _("a variable")


_missing_tag = re.compile(r"expected tag (\w+), found")


def _parse_words(error: LiquidError) -> str:
    if isinstance(error, ResourceLimitError):
        return _("blocks are nested more than %(most)s deep") % {"most": MAX_BLOCKS}
    if error.token is None and error.__cause__ is not None:
        return _("the template cannot be read: it may be nested too deeply")
    message = str(error.message)
    if missing := _missing_tag.match(message):
        return _("'%(tag)s' is missing") % {"tag": f"{{% {missing[1]} %}}"}
    return message.replace("a primitive expression", "a value").replace("expected word", "expected a name")


def _render_words(error: LiquidError) -> str:
    match error:
        case LoopIterationLimitError():
            return _("a loop runs more than %(most)s times") % {"most": MAX_LOOP}
        case OutputStreamLimitError():
            return _("the text is longer than %(most)s bytes") % {"most": figure(MAX_OUTPUT_BYTES)}
        case LocalNamespaceLimitError():
            return _("the assigned values take too much room")
        case ResourceLimitError():
            return _("a value is too large")
        case Refused(words=words):
            return words
    # The library's other messages quote the data.
    if error.token is not None and error.token.value in FILTERS:
        return _("the filter '%(value)s' cannot use this value") % {"value": error.token.value}
    return _("the data of this contact does not fit here")
