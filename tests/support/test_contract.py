"""The judge of answers refuses what is not described."""

import jsonschema
import pytest
from contract import Contract, to_json_schema

FAILURE = ("GET", "/v1/status", 503, "application/json")


def test_null_is_a_value_of_what_is_nullable_only():
    assert to_json_schema({"type": "integer", "nullable": True}) == {
        "type": ["integer", "null"]}
    assert to_json_schema({"type": "integer", "nullable": False}) == {
        "type": "integer"}


def test_a_described_answer_is_accepted_and_remembered():
    judge = Contract()
    judge.check(*FAILURE, {"error": "x"})
    assert judge.seen == {("GET", "/v1/status", 503)}


@pytest.mark.parametrize("body", [{}, {"error": 1}, {"error": "x", "y": 1}])
def test_a_wrong_body_is_refused(body):
    with pytest.raises(jsonschema.ValidationError):
        Contract().check(*FAILURE, body)


def test_a_status_or_type_that_is_not_described_is_refused():
    judge = Contract()
    with pytest.raises(AssertionError):
        judge.check("GET", "/v1/status", 404, "application/json",
                    {"error": "x"})
    with pytest.raises(AssertionError):
        judge.check("GET", "/v1/status", 503, "text/plain", "x")
    assert not judge.seen


def test_references_inside_references_are_followed():
    node = {"id": 1, "name": "a", "about": "", "restart": "permanent",
            "restarts": 0, "strategy": None, "children": []}
    check = Contract().check
    tree = {"tree": {**node, "children": [node]}}
    check("GET", "/v1/tree", 200, "application/json", tree)
    tree["tree"]["children"][0] = {**node, "id": "1"}
    with pytest.raises(jsonschema.ValidationError):
        check("GET", "/v1/tree", 200, "application/json", tree)
