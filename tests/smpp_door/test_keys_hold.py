"""What binds an API key binds a system that is bound in its name: mode, senders, networks, rates."""

from typing import Any

import pytest

from delivery import testcarrier
from delivery.models import TEST_PROVIDER, Message, MessageRequest
from delivery.smpp.constants import CommandStatus
from smshub.api import keys
from smshub.api.models import ApiKey
from smshub.smpp_door import door as doors
from smshub.smpp_door import logins
from tests.factories import DefaultSenderFactory, SenderFactory
from tests.smpp_door.conftest import Account, in_database, make_account, open_door, run


def bind_key(account: Account, *senders: Any, **limits: Any) -> None:
    ApiKey.objects.filter(pk=account.login.api_key_id).update(**limits)
    account.login.api_key.senders.set(senders)


def submitted(account: Account, *sources: str, long: bool = False) -> list[str]:
    """The answer to a submit from each of these."""

    async def scenario() -> list[str]:
        async with open_door() as place, place.bound(account) as system:
            answers = [await system.submit(source_addr=source) for source in sources]
            if long:
                parts = [bytes((5, 0, 3, 7, 2, number)) + b"Your table" for number in (1, 2)]
                answers += [await system.submit(part, source_addr=sources[0], esm_class=0x40) for part in parts]
            return [CommandStatus(answer.status).name for answer in answers]

    return run(scenario())


@pytest.fixture
def trial(transactional_db: None) -> Account:
    """A login of a system that tries itself out, beside a default sender."""
    DefaultSenderFactory()
    key, _ = keys.issue(name="Trial", scopes=["messages:*"], actor=None, mode="test")
    login, password = logins.make(api_key=key, system_id="trial", actor=None)
    return Account(login, password, testcarrier.sender())


def test_a_test_key_submits_to_the_test_carrier_and_to_nothing_else(trial: Account) -> None:
    answers = submitted(trial, "", "TEST", "16505550001", long=True)

    assert answers == ["ESME_ROK", "ESME_ROK", "ESME_RINVSRCADR", "ESME_ROK", "ESME_ROK"]
    assert list(Message.objects.values_list("provider_id", flat=True)) == [TEST_PROVIDER] * 3


def test_a_test_key_may_write_any_source_where_its_login_may(trial: Account) -> None:
    trial.login.routed = True
    trial.login.save()

    assert submitted(trial, "16505550001") == ["ESME_ROK"]
    assert Message.objects.get().provider_id == TEST_PROVIDER


def test_a_login_of_a_test_key_is_made_without_senders(trial: Account) -> None:
    with pytest.raises(ValueError, match="no senders"):
        logins.make(api_key=trial.login.api_key, system_id="other", actor=None, senders=[SenderFactory()])


def test_a_live_login_has_nothing_to_do_with_the_test_carrier(account: Account) -> None:
    account.login.senders.add(testcarrier.sender())
    assert submitted(account, "TEST") == ["ESME_RINVSRCADR"]


def test_without_a_source_it_leaves_by_none_but_the_keys_senders(account: Account) -> None:
    one, other = SenderFactory.create_batch(2)

    bind_key(account, one)
    assert submitted(account, "") == ["ESME_ROK"]
    assert Message.objects.get().sender == one
    bind_key(account, one, other)
    assert submitted(account, "") == ["ESME_RINVSRCADR"]


def test_beyond_the_keys_rate_it_is_throttled_whichever_login_it_uses(account: Account) -> None:
    bind_key(account, per_minute=3)
    second, password = logins.make(
        api_key=account.login.api_key, system_id="second", actor=None, senders=[account.sender]
    )
    other = make_account(SenderFactory(address="+16505550002"), system_id="clinic")

    async def scenario() -> list[str]:
        async with (
            open_door() as place,
            place.bound(account) as one,
            place.bound(Account(second, password, account.sender)) as two,
            place.bound(other) as stranger,
        ):
            answers = [await system.submit() for system in (one, two, one, two)]
            answers.append(await stranger.submit(source_addr="16505550002"))
            return [CommandStatus(answer.status).name for answer in answers]

    assert run(scenario()) == ["ESME_ROK"] * 3 + ["ESME_RTHROTTLED", "ESME_ROK"]


def test_who_is_bound_from_where_its_key_may_not_be_used_any_more_is_unbound(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "REFRESH_SECONDS", 0.05)

    async def scenario() -> str:
        async with open_door() as place, place.bound(account) as system:
            await in_database(lambda: bind_key(account, allowed_from="192.0.2.0/24"))
            await system.link.closed()
            return system.link.why_closed

    assert run(scenario()) == "the other side unbound"


def test_what_it_hands_in_is_its_keys_own_whole_or_by_the_part(account: Account) -> None:
    assert submitted(account, "16505550001", long=True) == ["ESME_ROK"] * 3

    own = MessageRequest.objects.filter(api_key_id=account.login.api_key_id)
    assert set(own.values_list("pk", flat=True)) == set(Message.objects.values_list("pk", flat=True))
    assert own.count() == 2
