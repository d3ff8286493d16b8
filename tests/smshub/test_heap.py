"""The garbage collector of a hub's process: what was loaded is left alone, and cycles are still found."""

import subprocess
import sys

_CYCLES = """
import gc, weakref
from smshub import heap

class Node: pass

heap.settle()
assert gc.get_freeze_count() > 1000
seen = []
for _ in range(100_000):
    node = Node()
    node.itself = node
    seen.append(weakref.ref(node))
del node
print(sum(ref() is not None for ref in seen))
"""


def test_what_is_loaded_is_frozen_and_cycles_are_still_collected() -> None:
    alive = subprocess.run([sys.executable, "-c", _CYCLES], capture_output=True, text=True, check=True, timeout=60)
    assert int(alive.stdout) < 100_000 / 2
