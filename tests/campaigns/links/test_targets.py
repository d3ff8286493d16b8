"""Where a link may lead, and what a contact's data can do to it: nothing but fill in a value."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.links import targets
from campaigns.links.targets import BadTarget
from campaigns.templating import contact_context


@pytest.mark.parametrize(
    "target",
    [
        "https://www.example.org",
        "http://example.org:8080/a/b?c=d#e",
        "https://example.org/?ref={{ booking }}",
        "https://example.org/?ref=x-{{ booking | upcase }}&lang={{ language | default: 'en' }}#top",
        "https://xn--bcher-kva.example/",
        "https://example.org/?q={{ name | replace: '&', 'and' }}",
    ],
)
def test_web_addresses_are_taken(target: str) -> None:
    targets.check(target)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("", "whole web address"),
        ("www.example.org", "whole web address"),
        ("//example.org/", "whole web address"),
        ("javascript:alert(1)", "whole web address"),
        ("data:text/html,hello", "whole web address"),
        ("ftp://example.org/", "whole web address"),
        ("https://", "host"),
        ("https://localhost/", "host"),
        ("https://127.0.0.1/", "host"),
        ("https://[::1]/", "host"),
        ("https://0x7f.1/", "host"),
        ("https://example.org.:443/", "host"),
        ("https://exa_mple.org/", "host"),
        ("https://user@example.org/", "no user"),
        ("https://example.org@evil.example/", "no user"),
        ("https://example.org:99999/", "no web address"),
        ("https://example.org\\@evil.example/", "cannot stand"),
        ("https://exa mple.org/", "no spaces"),
        ("https://example.org/\r\nSet-Cookie:a=b", "no spaces"),
        ("https://bücher.example/", "no spaces or letters outside ASCII"),
        ("https://{{ name }}/", "host"),
        ("https://{{ name }}.example.org/", "host"),
        ("https://example.org/{{ name }}", "behind the question mark"),
        ("https://example.org/#{{ name }}", "behind the question mark"),
        ("https://example.org/?{{ name }}=1", "not its name"),
        ("https://example.org/?a={{ name", "cannot stand"),
        ("https://example.org/?a={% if x %}b{% endif %}", "no tags"),
        ("https://example.org/?a={{ name | shout }}", "cannot be used"),
        ("https://example.org/?a=" + "b" * 1000, "at most 1000"),
    ],
)
def test_anything_else_is_refused_in_words(target: str, why: str) -> None:
    with pytest.raises(BadTarget, match=why):
        targets.check(target)


def test_a_short_link_does_not_lead_to_a_short_link(settings: object) -> None:
    settings.LINK_BASE_URL = "https://go.example.org"  # type: ignore[attr-defined]

    with pytest.raises(BadTarget, match="short link itself"):
        targets.check("https://go.example.org/l/abcdefghijkl")


@given(st.text(max_size=200))
def test_no_text_passes_that_browsers_might_read_otherwise(text: str) -> None:
    try:
        targets.check(text)
    except BadTarget:
        return
    rendered = targets.render(text, dict)
    assert urlsplit(rendered).scheme in ("http", "https")
    assert rendered.isascii()
    assert rendered.isprintable()


@given(st.text(max_size=60))
def test_whatever_a_contact_is_called_it_arrives_as_one_value(name: str) -> None:
    target = "https://example.org/page?who={{ name | default: '' }}&fixed=a%2Fb#part"

    parts = urlsplit(targets.render(target, lambda: contact_context(name=name)))

    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "example.org", "/page", "part")
    query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict")
    assert list(query) == ["who", "fixed"]
    assert query["fixed"] == ["a/b"]


def test_what_a_contact_lacks_is_left_empty() -> None:
    assert targets.render("https://example.org/?ref={{ booking }}&x=1", dict) == "https://example.org/?ref=&x=1"


def test_a_target_without_variables_is_as_it_was_written() -> None:
    target = "https://example.org/?a=1&&b=%zz&c"

    assert targets.render(target, lambda: pytest.fail("nothing to ask for")) == target
