"""Trying an account's credentials: the account is fetched, and with an API key a list of messages that is empty.

A key of the usual kind may not fetch the account (https://www.twilio.com/docs/iam/api-keys), and the auth token, which
verifies callbacks, would not be tried by it. So each is asked what it is for.
"""

import asyncio
import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from yarl import URL

from delivery.providers import access
from delivery.providers.base import Access, ProviderConfig, Tried
from delivery.providers.twilio.account import Account, read, tokens
from delivery.providers.twilio.adapter import API_VERSION
from delivery.providers.twilio.wire import error_code

_LABEL = "Twilio"
#: Before there was a Twilio.
_NO_MESSAGE = "PageSize=1&DateSent%3C=2000-01-01"
_NOT_ACTIVE = frozenset({10001, 20005})
_TEST_CREDENTIALS = 20008


async def try_credentials(config: ProviderConfig) -> Tried:
    account = read(config)
    get = partial(_get, config, account)
    by_token = get(".json", account.sid, tokens(config)[0], partial(_account, account.sid))
    if account.user == account.sid:
        return await by_token
    by_key = get(f"/Messages.json?{_NO_MESSAGE}", account.user, account.password, _messages)
    of_token, of_key = await asyncio.gather(by_token, by_key)
    return of_key if of_token.access is Access.GRANTED and of_key.access is not Access.GRANTED else of_token


async def _get(
    config: ProviderConfig, account: Account, path: str, user: str, password: str, read: access.Reader
) -> Tried:
    url = URL(f"{account.base_url}/{API_VERSION}/Accounts/{account.sid}{path}", encoded=True)
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return await access.get(config, url, label=_LABEL, authorization=f"Basic {basic}", read=read)


def _account(sid: str, status: int, answer: Mapping[str, Any]) -> Tried | None:
    if status == 200 and answer.get("sid") == sid:
        match answer.get("status"):
            case "active" if answer.get("type") == "Trial":
                return Tried(
                    Access.GRANTED,
                    _("Twilio accepts the credentials. It is a trial account, which texts verified numbers only."),
                )
            case "active":
                return access.granted(_LABEL)
            case "suspended":
                return Tried(Access.BARRED, _("The credentials are right, and Twilio has suspended the account."))
            case "closed":
                return Tried(Access.BARRED, _("The credentials are right, and the account is closed."))
    return _refusal(status, answer, _("Account SID and Auth token"))


def _messages(status: int, answer: Mapping[str, Any]) -> Tried | None:
    if status == 200 and isinstance(answer.get("messages"), list):
        return access.granted(_LABEL)
    return _refusal(status, answer, _("API key SID, API key secret and what the key may do"))


def _refusal(status: int, answer: Mapping[str, Any], fields: str) -> Tried | None:
    code = error_code(dict(answer))
    if code in _NOT_ACTIVE:
        return Tried(Access.BARRED, _("Twilio says that the account is not active."))
    if code == _TEST_CREDENTIALS:
        return Tried(Access.REFUSED, _("These are Twilio's test credentials, which send nothing: enter the live ones."))
    return access.refused(_LABEL, fields) if code and status in (401, 403, 404) else None
