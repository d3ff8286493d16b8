"""`python -m benchmarks [NAME [ARGUMENTS]]`: one benchmark, or each with its small defaults. Prints Markdown.

The module of a benchmark says what it measures and how to repeat it. Servers, databases and processes are made for
the run, in a folder under TMPDIR, and are gone afterwards; DATABASE_URL and REDIS_URL lead to servers of your own,
where a database is made beside the one named, and dropped. Put TMPDIR on the disk that you want to know about.
"""

import argparse
import importlib
import signal
import sys
from types import FrameType, ModuleType

from benchmarks.servers import servers

NAMES = (
    *("end_to_end", "comparison", "stages", "scale", "importing", "materialise", "explain", "alerts", "pools"),
    *("smpp", "smpp_link", "reminders", "clinic", "api", "webhooks", "links", "pages", "audience"),
)
#: The others are part of `stages`, fill tables with millions of rows, or take long.
ALL = ("end_to_end", "comparison", "stages", "scale")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=NAMES, help="left out: " + ", ".join(ALL))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="NAME --help lists them")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    with servers() as ours:
        # Only now, as Django reads its settings for their sake.
        modules = [importlib.import_module(f"benchmarks.{name}") for name in ([chosen.name] if chosen.name else ALL)]
        options = [_parser(module).parse_args(chosen.arguments) for module in modules]
        print(importlib.import_module("benchmarks.report").machine() + "\n", flush=True)
        statuses: list[int] = [module.run(ours, given) for module, given in zip(modules, options, strict=True)]
        return max(statuses)


def _parser(module: ModuleType) -> argparse.ArgumentParser:
    name = module.__name__.partition(".")[2]
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
