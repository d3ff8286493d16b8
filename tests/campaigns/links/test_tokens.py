"""Tokens: of one length, ours alone, and no two the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from campaigns.links import tokens
from campaigns.links.tokens import ALPHABET, LENGTH, MAX_LINK, MAX_RECIPIENT, Named, Permutation

numbers = st.tuples(st.integers(1, MAX_LINK), st.integers(0, MAX_RECIPIENT))


@given(numbers)
def test_a_token_says_what_it_was_made_of(made_of: tuple[int, int]) -> None:
    assert tokens.read(tokens.token(*made_of)) == Named(*made_of)


@given(numbers)
def test_every_token_has_the_same_length_and_only_letters_and_digits(made_of: tuple[int, int]) -> None:
    token = tokens.token(*made_of)

    assert len(token) == LENGTH
    assert token.isascii()
    assert token.isalnum()


@given(numbers, numbers)
def test_different_recipients_have_different_tokens(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (tokens.token(*one) == tokens.token(*other)) == (one == other)


@given(st.text(max_size=20) | st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_whatever_is_not_a_token_is_nobodys_or_one_that_would_have_been_made(text: str) -> None:
    named = tokens.read(text)

    assert named is None or tokens.token(named.link, named.recipient) == text


def test_most_texts_of_that_form_are_nobodys() -> None:
    """64 of 71.45 bits carry numbers, and a quarter of a million links of which few exist are told by the database."""
    found = [tokens.read(f"{number:0>12}") for number in range(5000)]

    assert sum(named is not None for named in found) < 5000 / 100


def test_neighbours_look_nothing_alike() -> None:
    first, second = tokens.token(1, 1), tokens.token(1, 2)

    assert sum(one == other for one, other in zip(first, second, strict=True)) <= 4


def test_another_hub_cannot_read_it(settings: Settings) -> None:
    token = tokens.token(7, 41)
    settings.SECRET_KEY = "another hub's"

    assert tokens.read(token) != Named(7, 41)


@pytest.mark.parametrize(("link", "recipient"), [(0, 1), (MAX_LINK + 1, 1), (1, -1), (1, MAX_RECIPIENT + 1)])
def test_what_does_not_fit_is_refused(link: int, recipient: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        tokens.token(link, recipient)


def test_the_cipher_is_that_of_the_standard() -> None:
    """FF1 sample 1 of NIST's examples for SP 800-38G: AES-128, radix 10, empty tweak."""
    ff1 = Permutation(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), 10, 10)

    assert ff1.encrypt(123456789) == 2433477484
    assert ff1.decrypt(2433477484) == 123456789


def test_the_cipher_is_that_of_the_standard_with_a_longer_key() -> None:
    """FF1 sample 7 of the same: AES-256."""
    ff1 = Permutation(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94"), 10, 10)

    assert ff1.encrypt(123456789) == 6657667009
