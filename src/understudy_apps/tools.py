"""Python functions as the tools of a model: their definitions, and the outputs of their calls.

Whatever goes wrong in a call is told to the model, which can then do better; the traceback goes to
the log and nowhere else.
"""

import inspect
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import anyio
import pydantic_core
from anyio import to_thread
from openai.types.beta import FunctionToolParam
from openai.types.beta.threads import RequiredActionFunctionToolCall
from openai.types.beta.threads.run_submit_tool_outputs_params import ToolOutput
from pydantic import ValidationError

from understudy_apps.functions import Function

TIMEOUT_S = 60.0
_logger = logging.getLogger(__name__)


class Tools:
    """Functions that a model may call. Raises ValueError for two of one name.

    `definitions` goes into `tools` of an assistant, a run or a chat completion. A call that takes
    longer than `timeout_s` is given up. `strict` makes the schemas those of strict mode.
    """

    def __init__(
        self,
        functions: Iterable[Callable[..., Any]],
        *,
        timeout_s: float = TIMEOUT_S,
        strict: bool = False,
    ) -> None:
        self._timeout_s = timeout_s
        self._functions: dict[str, Function] = {}
        for one in functions:
            function = Function(one, strict=strict)
            if function.name in self._functions:
                raise ValueError(f"There are two functions named '{function.name}'. Rename one.")
            self._functions[function.name] = function

    @property
    def definitions(self) -> list[FunctionToolParam]:
        """What the model is told of the functions."""
        return [function.definition for function in self._functions.values()]

    async def outputs(self, calls: Sequence[RequiredActionFunctionToolCall]) -> list[ToolOutput]:
        """Make calls at the same time and return their outputs in the order of the calls."""
        made: dict[int, ToolOutput] = {}

        async def make(place: int, call: RequiredActionFunctionToolCall) -> None:
            made[place] = await self.output(call)

        async with anyio.create_task_group() as tasks:
            for place, call in enumerate(calls):
                tasks.start_soon(make, place, call)
        return [made[place] for place in range(len(calls))]

    async def output(self, call: RequiredActionFunctionToolCall) -> ToolOutput:
        """Make a call and return its output, or what went wrong with it."""
        text = await self._text(call.function.name, call.function.arguments)
        return {"tool_call_id": call.id, "output": text}

    async def _text(self, name: str, arguments: str) -> str:
        function = self._functions.get(name)
        if function is None:
            names = ", ".join(self._functions)
            return _error("UnknownFunction", f"there is no function '{name}', only: {names}")
        try:
            given = function.arguments(arguments)
        except ValueError as error:
            return _error("InvalidArguments", _faults(error))
        with anyio.move_on_after(self._timeout_s):
            return await _result(function, given)
        return _error("Timeout", f"'{name}' took longer than {self._timeout_s:g} s")


async def _result(function: Function, given: dict[str, Any]) -> str:
    try:
        return _as_text(await _called(function.call, given))
    except Exception as error:
        _logger.warning("the function '%s' failed", function.name, exc_info=True)
        return _error(type(error).__name__, str(error))


async def _called(call: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Call a function, in a thread unless it is async; a thread cannot be ended, only left."""
    if inspect.iscoroutinefunction(call):
        return await call(**given)
    result = await to_thread.run_sync(partial(call, **given), abandon_on_cancel=True)
    return await result if inspect.isawaitable(result) else result


def _as_text(result: Any) -> str:
    return result if isinstance(result, str) else pydantic_core.to_json(result).decode()


def _error(kind: str, message: str) -> str:
    return json.dumps({"error": f"{kind}: {message}"}, ensure_ascii=False)


def _faults(error: ValueError) -> str:
    """Return what is wrong with arguments, by name."""
    if not isinstance(error, ValidationError):
        return f"the arguments are not JSON: {error}"
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)
