"""Checks answers of the control socket against docs/openapi.yaml: the part of
OpenAPI 3.0 that it uses."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def resolve(schema: dict) -> dict:
    """A schema, or what it refers to."""
    while "$ref" in schema:
        found = CONTRACT
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def _is_of(value, kind: str) -> bool:
    if kind != "boolean" and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[kind])


def problems(value, schema: dict, where: str = "$"):
    """Yields what is wrong with a value, with its place."""
    schema = resolve(schema)
    if value is None and schema.get("nullable"):
        return
    kind = schema.get("type")
    if kind and not _is_of(value, kind):
        yield f"{where}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{where}: {value} is too small"
    if kind == "object":
        yield from _problems_of_members(value, schema, where)
    if kind == "array":
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}),
                                f"{where}[{number}]")


def _problems_of_members(value: dict, schema: dict, where: str):
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, member in value.items():
        rest = schema.get("additionalProperties", {})
        if name in known:
            yield from problems(member, known[name], f"{where}.{name}")
        elif isinstance(rest, dict):
            yield from problems(member, rest, f"{where}.{name}")


def schema_of(path: str, method: str = "get", status: int = 200) -> dict:
    """The schema of a JSON answer, as in `/v1/actors/{id}`."""
    answer = resolve(CONTRACT["paths"][path][method]["responses"][str(status)])
    return answer["content"]["application/json"]["schema"]


def component(name: str) -> dict:
    """A named schema, as in `Event`."""
    return CONTRACT["components"]["schemas"][name]
