"""Asks the hostile origin inside a lab for its log."""

import json

from lab_base import HOSTILE_ADDRESS


def log(lab, path: str = "") -> list:
    """The requests so far, or those whose path begins with `path`."""
    done = lab.run("origin", "curl", "--silent", "--fail", "--noproxy", "*",
                   f"http://{HOSTILE_ADDRESS}/__log")
    return [e for e in json.loads(done.stdout) if e["path"].startswith(path)]
