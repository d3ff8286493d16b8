"""Our verification agrees with the official SDK's on everything that is signed, and on everything that is not."""

import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from delivery.providers.twilio.signature import sign, verify_form, verify_json

Pairs = list[tuple[str, str]]


class MultiDict(dict[str, list[str]]):
    """Fields with several values, as web frameworks give them to the SDK."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
forms = st.lists(st.tuples(words, words), max_size=8)
urls = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["hub.example.com", "127.0.0.1", "a.b"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    st.sampled_from(["", "/", "/callbacks/receipts/7/Zm9v_-A="]),
    st.sampled_from(["", "?a=b", "?a=b&a=c%20d"]),
)
tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)


@given(urls, forms, tokens)
def test_the_sdk_signs_the_same(url: str, pairs: Pairs, token: str) -> None:
    assert sign(token, url, pairs) == RequestValidator(token).compute_signature(url, MultiDict(pairs))


@given(urls, urls, forms, forms, tokens, tokens)
def test_the_sdk_believes_the_same(
    url: str, other_url: str, pairs: Pairs, other_pairs: Pairs, token: str, other_token: str
) -> None:
    for signed_url in (url, other_url):
        for signed_pairs in (pairs, other_pairs):
            for signing_token in (token, other_token):
                signature = sign(signing_token, signed_url, signed_pairs)
                believed = verify_form(url=url, pairs=pairs, signature=signature, tokens=[token])
                assert believed == RequestValidator(token).validate(url, MultiDict(pairs), signature)


@given(urls, forms, tokens, st.sampled_from(["HMAC_SHA1", "HMAC_SHA256", "hmac_sha256", "MD5", ""]))
def test_the_sdk_knows_the_same_algorithms(url: str, pairs: Pairs, token: str, algorithm: str) -> None:
    settings = f"key=webhooks_sharedkey_1, algorithm={algorithm}"
    digest = "sha256" if algorithm.upper() == "HMAC_SHA256" else "sha1"
    signature = sign(token, url, pairs, digest=digest)
    believed = verify_form(url=url, pairs=pairs, signature=signature, tokens=[token], settings=settings)
    assert believed == RequestValidator(token).validate(url, MultiDict(pairs), signature, algorithm or None)


@given(st.dictionaries(words, words), tokens, st.booleans())
def test_the_sdk_believes_the_same_json(content: dict[str, str], token: str, altered: bool) -> None:
    body = json.dumps(content)
    url = f"https://hub.example.com/x?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    arrived = body + " " if altered else body
    signature = sign(token, url)
    believed = verify_json(url=url, body=arrived.encode(), signature=signature, tokens=[token])
    assert believed == RequestValidator(token).validate(url, arrived, signature) == (not altered)


def test_json_without_a_hash_in_the_url_is_not_believed() -> None:
    url = "https://hub.example.com/x"
    assert not verify_json(url=url, body=b"{}", signature=sign("t", url), tokens=["t"])


@pytest.mark.parametrize(
    ("signed", "received"),
    [
        ("https://hub.example.com:443/x", "https://hub.example.com/x"),
        ("https://hub.example.com/x", "https://hub.example.com:443/x"),
        ("http://[::1]/x", "http://[::1]:8000/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
    ],
)
def test_a_port_may_be_signed_or_not(signed: str, received: str) -> None:
    assert verify_form(url=received, pairs=[], signature=sign("t", signed), tokens=["t"])


def test_while_a_token_is_rotated_either_signs() -> None:
    url, pairs = "https://hub.example.com/x", [("a", "b")]
    for token in ("old", "new"):
        signature = sign(token, url, pairs)
        assert verify_form(url=url, pairs=pairs, signature=signature, tokens=["new", "old"])
    assert not verify_form(url=url, pairs=pairs, signature=sign("older", url, pairs), tokens=["new", "old"])


@pytest.mark.parametrize("signature", ["", "x", "ü", "\udcff", "=" * 5000])
def test_a_hostile_signature_is_just_wrong(signature: str) -> None:
    assert not verify_form(url="https://hub.example.com/x", pairs=[], signature=signature, tokens=["t"])


def test_no_token_believes_nothing() -> None:
    assert not verify_form(url="https://h/x", pairs=[], signature=sign("", "https://h/x"), tokens=[])
