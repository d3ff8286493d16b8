"""The guide's own example is a provider: installed as a package, it is found, configured and used as it stands."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from delivery.providers import registry
from delivery.providers.base import BadConfiguration, OutboundMessage, Outcome, ProviderConfig

GUIDE = Path(__file__).parents[3] / "docs" / "adding-a-provider.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    example, *_ = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    entry, *_ = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    name, target = re.search(r'(\w+) = "([\w:]+)"', entry.replace("\n  ", "\n")).groups()  # type: ignore[union-attr]
    (tmp_path / f"{target.partition(':')[0]}.py").write_text(example)
    metadata = tmp_path / "smshub_acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: smshub-acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[smshub.providers]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.kinds.cache_clear()
    yield
    registry.kinds.cache_clear()


def test_the_example_works_as_it_stands(installed: None) -> None:
    assert set(registry.kinds()) >= {"acme", "twilio", "console"}
    kind = registry.kind("acme")
    config = ProviderConfig(id=1, settings={}, credentials={"key": "k" * 40})
    kind.check(config)
    with pytest.raises(BadConfiguration, match="40 characters"):
        kind.check(ProviderConfig(id=1, settings={}, credentials={}))

    async def scenario() -> Outcome:
        adapter = kind.build(config, None)
        message = OutboundMessage(uuid4(), 1, "+14155550123", "12345", "Hello", 1, "gsm7", "https://hub.example/x")
        outcome = await adapter.send(message)
        await adapter.close()
        return outcome.outcome

    # There is no such host: nothing was sent.
    assert asyncio.run(scenario()) is Outcome.THROTTLED


def test_an_unknown_provider_is_named_with_those_there_are() -> None:
    with pytest.raises(LookupError, match="“pigeon”; there are: console, smpp, testcarrier, twilio"):
        registry.kind("pigeon")
