"""Calls of functions and their outputs: which of them fit together. Pure."""

from collections.abc import Iterable, Sequence

from understudy.errors import InvalidRequest, InvalidValue, UnderstudyError
from understudy.wire.response_items import ItemDocument

CALL_TYPES = ("function_call", "function_call_output")


def check_calls(given: Sequence[ItemDocument], earlier: Iterable[ItemDocument], param: str) -> None:
    """Raise InvalidRequest for a call or an output in `given` that does not fit what is there.

    `earlier` comes before `given`, whose references are resolved; `param` is where the request
    lists `given`. Some providers number the calls of each answer anew, so the id of an answered
    call may come again.
    """
    calls = _Calls()
    for document in earlier:
        calls.note(document)
    for index, document in enumerate(given):
        if error := calls.objection(document, f"{param}[{index}].call_id"):
            raise error
        calls.note(document)


class _Calls:
    """The calls of a conversation as far as it was noted."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._answered: set[str] = set()

    def note(self, document: ItemDocument) -> None:
        match document["type"]:
            case "function_call":
                self._open.add(document["call_id"])
            case "function_call_output":
                self._open.discard(document["call_id"])
                self._answered.add(document["call_id"])

    def objection(self, document: ItemDocument, param: str) -> UnderstudyError | None:
        """Return why an item cannot be the next one; None if it can."""
        match document["type"]:
            case "function_call" if (id_ := document["call_id"]) in self._open:
                return InvalidValue(
                    param, f"the call '{id_}' is there already and has no output yet"
                )
            case "function_call_output" if (id_ := document["call_id"]) not in self._open:
                return self._unexpected(id_, param)
        return None

    def _unexpected(self, id_: str, param: str) -> UnderstudyError:
        if id_ in self._answered:
            return InvalidValue(param, f"the call '{id_}' has its output already")
        return InvalidRequest(  # programs search for this text
            f"No tool call found for function call output with call_id {id_}. Its function_call "
            "has to come first: in this request, or in what it goes on from.",
            param=param,
            code="invalid_value",
        )
