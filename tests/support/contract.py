"""docs/openapi.yaml as something that judges answers."""

import copy
from pathlib import Path

import jsonschema
import yaml

FILE = Path(__file__).resolve().parent.parent.parent / "docs/openapi.yaml"


def to_json_schema(node):
    """OpenAPI 3.0 has `nullable` where JSON Schema has a type "null". Members
    that are not described are mistakes, at least on our side of the socket."""
    if isinstance(node, list):
        return [to_json_schema(x) for x in node]
    if not isinstance(node, dict):
        return node
    out = {key: to_json_schema(value) for key, value in node.items()}
    if out.pop("nullable", False) is True:
        out["type"] = [out["type"], "null"]
    if isinstance(out.get("properties"), dict) and "type" in out:
        out.setdefault("additionalProperties", False)
    return out


class Contract:
    """Judges answers, and remembers which ones there were."""

    def __init__(self, file: Path = FILE):
        self.document = yaml.safe_load(file.read_text())
        self.components = to_json_schema(self.document["components"])
        self.seen = set()

    def _resolved(self, node: dict) -> dict:
        if "$ref" not in node:
            return node
        found = self.document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _validate(self, schema: dict, value) -> None:
        whole = {**to_json_schema(copy.deepcopy(schema)),
                 "components": self.components}
        jsonschema.Draft7Validator(
            whole, format_checker=jsonschema.FormatChecker()).validate(value)

    def responses(self):
        """Every (method, path, status) that is described."""
        for path, item in self.document["paths"].items():
            for method in ("get", "post"):
                for status in item.get(method, {}).get("responses", {}):
                    yield method.upper(), path, int(status)

    def check(self, method, path, status, content_type, body) -> None:
        """Fails unless this answer is one that is described."""
        operation = self.document["paths"][path][method.lower()]
        assert str(status) in operation["responses"], (
            f"{method} {path}: {status} is not described")
        response = self._resolved(operation["responses"][str(status)])
        assert content_type in response["content"], (
            f"{method} {path}: {content_type} is not described")
        self._validate(response["content"][content_type]["schema"], body)
        self.seen.add((method, path, status))

    def check_event(self, event: dict) -> None:
        """Fails unless a server-sent event is one that is described."""
        kind, data = event["event"], event["data"]
        if kind == "dropped":
            assert data["count"] > 0
        elif kind == "ended":
            assert isinstance(data["actor"], int)
        elif kind == "message":
            self._validate({"$ref": "#/components/schemas/Message"}, data)
        else:
            self._validate({"$ref": "#/components/schemas/Event"}, data)
            assert event["id"] == str(data["seq"])
            assert kind == data["kind"]
