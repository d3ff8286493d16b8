"""Run one function of the benchmarks in a process of its own, so that its memory and its CPU time are its own."""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Figures = dict[str, Any]


def alone(function: Callable[..., Figures], **arguments: Any) -> Figures:
    """What the function answers, and `memory`: the most MB its process had."""
    return finish(start(function, **arguments))


def start(function: Callable[..., Figures], **arguments: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.alone", function.__module__, function.__name__, json.dumps(arguments)]
    return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE)


def finish(process: "subprocess.Popen[bytes]") -> Figures:
    with process:
        answer = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"A part of the benchmark ended with status {process.returncode}; it says why above.")
    figures: Figures = json.loads(answer)
    return figures


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main(module: str, name: str, arguments: str) -> None:
    import django

    django.setup()
    from benchmarks.usage import peak_memory
    from smshub import heap

    function = getattr(importlib.import_module(module), name)
    heap.settle()  # as the hub's own processes do
    figures = function(**json.loads(arguments))
    json.dump(figures | {"memory": peak_memory()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
