"""tools/simulate tells its options without a build."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_help_needs_no_build_and_names_every_option():
    done = subprocess.run([ROOT / "tools/simulate", "--help"],
                          capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    source = (ROOT / "tests/sim/simulate.cpp").read_text()
    options = set(re.findall(r'add_(?:option|flag)\("!?(--[a-z0-9-]+)', source))
    told = set(re.findall(r"^  (--[a-z0-9-]+)", done.stdout, re.MULTILINE))
    assert told == options
