"""X-Twilio-Signature: that a callback comes from somebody who has the account's token.

Rules: https://www.twilio.com/docs/usage/security#validating-requests; checked against
`twilio.request_validator`.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"

_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"https": 443, "http": 80}

Pairs = Iterable[tuple[str, str]]


def sign(token: str, url: str, pairs: Pairs = (), *, digest: str = "sha1") -> str:
    """The signature of a form post: HMAC over the URL and the sorted, distinct, unseparated pairs."""
    signed = url + "".join([name + value for name, value in sorted(set(pairs))])
    return base64.b64encode(hmac.digest(token.encode(), _bytes(signed), digest)).decode()


def verify_form(*, url: str, pairs: Pairs, signature: str, tokens: Sequence[str], settings: str = "") -> bool:
    """Whether one of `tokens` signed this form post to `url`.

    Twilio signs the URL now with its port and now without, so either is good. `settings` is the header that
    names the algorithm where an account signs with shared keys; without it the signature is HMAC-SHA1.
    """
    digest = _ALGORITHMS.get(_algorithm(settings))
    if digest is None:
        return False
    pairs = list(pairs)
    given = _bytes(signature)
    return any(
        hmac.compare_digest(sign(token, form_of_url, pairs, digest=digest).encode(), given)
        for form_of_url in _both_forms(url)
        for token in tokens
    )


def verify_json(*, url: str, body: bytes, signature: str, tokens: Sequence[str], settings: str = "") -> bool:
    """Whether one of `tokens` signed this JSON post: the signed URL carries the SHA-256 of the body."""
    claimed = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    intact = hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), _bytes(claimed))
    return intact and verify_form(url=url, pairs=(), signature=signature, tokens=tokens, settings=settings)


def _bytes(hostile: str) -> bytes:
    return hostile.encode(errors="surrogatepass")


def _algorithm(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _both_forms(url: str) -> Iterable[str]:
    """The URL as given, then with its port left out or its scheme's own port put in."""
    yield url
    parts = urlsplit(url)
    if parts.port:
        yield parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()
    elif parts.scheme in _PORTS:
        yield parts._replace(netloc=f"{parts.netloc}:{_PORTS[parts.scheme]}").geturl()
