"""A pytest plugin that shares a run out among processes: by files, and so that few of them start a hub.

A hub takes ten processes and what its tests do is mostly wait, so two of them run beside what keeps a processor busy.
xdist's own groups would be the way, but xdist 3.8 does not see them with pytest 9.2.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

HUBS = 2
#: Where tests use the running hub, in their order: what takes longest first, and last what wears the hub out.
WITH_HUB = (
    "tests/chaos/test_chaos.py",
    "tests/chaos/test_carrier.py",
    "tests/chaos/test_clocks.py",
    "tests/browser/test_demo.py",
    "tests/browser/test_watching.py",
    "tests/pipeline/test_failover.py",
    "tests/browser/",
    "tests/pipeline/",
    "tests/smshub/test_running_hub.py",
    "tests/chaos/",
)
#: These look like the others of their folder, and use none.
WITHOUT = ("tests/browser/test_looks.py",)
#: Of the rest, what would be waited for in the end if it did not begin first.
LONG = (
    *WITHOUT,
    "tests/api/test_any_request.py",
    "tests/quickstart/test_servers.py",
    "tests/campaigns/",
    "tests/contacts/test_import_recovery.py",
    "tests/repo/test_servers.py",
    "tests/delivery/",
    "tests/admin/",
)


def uses_hub(file: str) -> bool:
    return file.startswith(WITH_HUB) and file not in WITHOUT


class Sharing(LoadScopeScheduling):
    """Whoever is through with a file gets another: the first `HUBS` processes those with a hub, then any."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        file = self._next(node)
        if file is None:
            node.shutdown()
            return
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)

    def _next(self, node: WorkerController) -> str | None:
        has_hub = node in self.nodes[:HUBS]
        files = [file for file in self.workqueue if has_hub or not uses_hub(file)]
        return min(files, key=_rank, default=None)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]


def _rank(file: str) -> tuple[bool, int]:
    uses = uses_hub(file)
    places = WITH_HUB if uses else LONG
    return not uses, next((place for place, start in enumerate(places) if file.startswith(start)), len(places))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    strays = {
        item.nodeid.partition("::")[0]
        for item in items
        if "running_hub" in getattr(item, "fixturenames", ()) and not uses_hub(item.nodeid)
    }
    if strays:
        raise pytest.UsageError(f"tests/sharing.py does not know that a hub is used by {', '.join(sorted(strays))}")
