"""Every test that docs/SECURITY.md names as one that tries an attack is there,
and every file of such tests is named."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
PAGE = (TESTS.parent / "docs/SECURITY.md").read_text()
TITLE = "## Attacks that are tried\n"


def rows() -> list:
    """(attack, names of tests) of each row of the table."""
    _, _, rest = PAGE.partition(TITLE)
    section = re.split(r"^## ", rest, flags=re.MULTILINE)[0]
    lines = [x for x in section.splitlines() if x.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line[1:-1].split("|")]
             for line in lines]
    assert all(len(x) == 3 for x in cells), cells
    # A row in bold letters is a heading.
    return [(attack, re.findall(r"`([^`]+)`", tests))
            for attack, what, tests in cells if what]


ROWS = rows()


def names_of(path: Path) -> set:
    """The tests of a file, by the names that the table gives them."""
    text = path.read_text()
    if path.suffix == ".py":
        return {node.name for node in ast.parse(text).body
                if isinstance(node, ast.FunctionDef)}
    return {" ".join(title.split())
            for title in re.findall(r"CAF_TEST\(([^)]*)\)", text)}


def test_there_is_a_table():
    assert len(ROWS) >= 30


@pytest.mark.parametrize("attack, tests", ROWS, ids=[x for x, _ in ROWS])
def test_each_attack_names_tests_that_are_there(attack, tests):
    assert tests
    for test in tests:
        file, _, name = test.partition("::")
        path = TESTS / file
        assert path.is_file(), f"{attack}: there is no {path}"
        assert name or path.parent.name == "fuzz", f"{test}: which test?"
        assert not name or name in names_of(path), f"there is no {test}"


def test_each_file_of_attacks_is_in_the_table():
    named = {test.partition("::")[0] for _, tests in ROWS for test in tests}
    missing = {f"e2e/{path.name}" for path in (TESTS / "e2e").glob(
        "test_abuse_*.py")} - named
    assert not missing
