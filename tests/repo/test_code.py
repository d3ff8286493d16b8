"""What holds for all of the code: small modules, and floors that know only what is below them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.repo.files import PACKAGES, ROOT, modules, text

LONGEST = 400
#: Longer ones, with the reason why they are not two.
LONG: dict[str, str] = {}


def test_modules_are_small_enough_to_be_read_at_once() -> None:
    lengths = {str(path): len(text(str(path)).splitlines()) for path in modules(*PACKAGES, "tests", "benchmarks")}
    long = {path for path, lines in lengths.items() if lines > LONGEST}
    assert not long - set(LONG), "split these, or give a reason"
    assert set(LONG) <= long, "these are short by now"


def test_the_protocol_needs_nothing_but_python() -> None:
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for path in modules("delivery/smpp")
        for node in ast.walk(ast.parse(text(str(path))))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert "asyncio" in imported
    strangers = {str(name) for name in imported if str(name).partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in strangers if not name.startswith("delivery.smpp")} == set()


def test_rows_are_locked_once_and_not_for_each_row_of_the_table() -> None:
    """An IN may ask anew for each row, and each time lock others; an array is made once (`delivery.tallies`)."""
    locking = re.compile(r"\bIN \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*FOR (?:NO KEY )?UPDATE")
    assert [str(path) for path in modules(*PACKAGES) if locking.search(text(str(path)))] == []


def test_the_floors_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
