import pytest

from understudy.errors import InvalidRequest
from understudy.responses.mcp.approvals import (
    approval,
    approved,
    check_approvals,
    check_named,
    is_allowed,
    offered_by,
)
from understudy.wire.response_items import ItemDocument
from understudy.wire.response_tools import McpApprovals, McpTool, McpToolFilter

READER = {"name": "read", "input_schema": {}, "annotations": {"readOnlyHint": True}}
WRITER = {"name": "write", "input_schema": {}, "annotations": None}
NAMED = McpToolFilter(tool_names=["write"])
READ_ONLY = McpToolFilter(read_only=True)


def server(**fields: object) -> McpTool:
    return McpTool(server_label="s", server_url="https://mcp.example.com", **fields)


@pytest.mark.parametrize(
    ("policy", "reader", "writer"),
    [
        (None, "needed", "needed"),
        ("always", "needed", "needed"),
        ("never", "not_needed", "not_needed"),
        (McpApprovals(), "needed", "needed"),
        (McpApprovals(never=READ_ONLY), "not_needed", "needed"),
        (McpApprovals(never=NAMED), "needed", "not_needed"),
        (McpApprovals(always=NAMED), "not_needed", "needed"),
        (McpApprovals(always=NAMED, never=NAMED), "needed", "needed"),
        (McpApprovals(always=NAMED, never=READ_ONLY), "not_needed", "needed"),
        (
            McpApprovals(never=McpToolFilter(tool_names=["write"], read_only=True)),
            "needed",
            "needed",
        ),
    ],
)
def test_who_needs_approval(policy: object, reader: str, writer: str) -> None:
    tool = server(require_approval=policy)
    assert (approval(tool, READER), approval(tool, WRITER)) == (reader, writer)


@pytest.mark.parametrize(
    ("allowed", "reader", "writer"),
    [
        (None, True, True),
        ([], False, False),
        (["read"], True, False),
        (NAMED, False, True),
        (READ_ONLY, True, False),
        (McpToolFilter(read_only=False), False, True),
        (McpToolFilter(), True, True),
    ],
)
def test_who_is_offered(allowed: object, reader: bool, writer: bool) -> None:
    tool = server(allowed_tools=allowed)
    assert (is_allowed(tool, READER), is_allowed(tool, WRITER)) == (reader, writer)


def test_what_is_offered_of_a_listing() -> None:
    tool = server(
        allowed_tools=["read"], require_approval="never", server_description="Knows the weather."
    )
    (offered,) = offered_by(tool, {"tools": [{**READER, "description": "Read."}, WRITER]})
    assert (offered.name, offered.needs_approval) == ("read", False)
    assert offered.description == "Read.\n\nKnows the weather."


def request(id_: str, label: str = "s") -> ItemDocument:
    call = {"server_label": label, "name": "write", "arguments": "{}"}
    return {"type": "mcp_approval_request", "id": id_, **call}


def answer(id_: str, *, approve: bool = True) -> ItemDocument:
    return {"type": "mcp_approval_response", "approval_request_id": id_, "approve": approve}


def test_approved_are_the_requests_that_the_input_approves() -> None:
    earlier = [request("a"), request("b"), request("c"), answer("c")]
    given = [answer("b"), answer("a", approve=False), request("d"), answer("d")]
    check_approvals(given, earlier, "input")
    check_named(given, earlier, [server()])
    assert [one["id"] for one in approved(given, earlier)] == ["b", "d"]


@pytest.mark.parametrize(
    ("given", "param", "words"),
    [
        ([answer("x")], "input[0].approval_request_id", "there is no such request"),
        ([answer("a"), answer("a")], "input[1].approval_request_id", "its answer already"),
        ([answer("b")], "input[0].approval_request_id", "its answer already"),
    ],
)
def test_an_answer_to_nothing_is_refused(given: list[ItemDocument], param: str, words: str) -> None:
    earlier = [request("a"), request("b"), answer("b")]
    with pytest.raises(InvalidRequest, match=words) as refused:
        check_approvals(given, earlier, "input")
    assert refused.value.param == param


def test_an_approval_needs_the_server_and_a_refusal_does_not() -> None:
    earlier = [request("a", "other")]
    check_named([answer("a", approve=False)], earlier, [])
    with pytest.raises(InvalidRequest, match="MCP server 'other'") as refused:
        check_named([answer("a")], earlier, [server()])
    assert refused.value.param == "tools"
