"""In which order the events of a run may come; the law is COMPATIBILITY's table of events."""

from typing import Any

from understudy.runs.states import TERMINAL, Happening, Status, after

_RUN_STATUSES: dict[str, Happening] = {
    "in_progress": "start",
    "requires_action": "ask",
    "cancelling": "cancel",
    "cancelled": "stop",
    "completed": "complete",
    "incomplete": "cut_short",
    "failed": "fail",
    "expired": "expire",
    "queued": "submit",
}


class Law:
    """Reads the events of one run in their order, and notes what must not be."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._status: Status | None = None
        self._open: dict[str, dict[str, Any]] = {}
        self._closed: set[str] = set()
        self._number = 0

    def take(self, name: str, data: dict[str, Any]) -> None:
        """Read the next event."""
        self._number += 1
        if self._status in TERMINAL:
            self._fault(f"{name} after the end")
        noun, _, what = name.removeprefix("thread.").rpartition(".")
        if noun == "":
            if self._number != 1:
                self._fault("thread.created is not the first")
        elif noun == "run":
            self._take_run(what)
        else:
            self._take_part(noun, what, data)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self._status in TERMINAL

    def _take_run(self, what: str) -> None:
        if what == "created":
            if self._status is not None:
                self._fault("the run was created twice")
            self._status = "queued"
        elif what == "queued" and self._status == "queued":
            pass
        elif self._status is None:
            self._fault(f"run.{what} before run.created")
        else:
            status = after(self._status, _RUN_STATUSES[what])
            if status is None:
                self._fault(f"run.{what} while {self._status}")
            self._status = status or self._status
        if what == "requires_action" and not self._open_of_type("tool_calls"):
            self._fault("requires_action without an open step of calls")
        if self._status in TERMINAL and self._open:
            self._fault(f"the end leaves open: {sorted(self._open)}")

    def _take_part(self, noun: str, what: str, data: dict[str, Any]) -> None:
        id_ = data["id"]
        if id_ in self._closed:
            self._fault(f"{noun}.{what} of {id_}, which is closed")
        if what == "created":
            self._open[id_] = data
            self._check_created(noun, data)
            return
        if id_ not in self._open:
            self._fault(f"{noun}.{what} of {id_} before it was created")
        if what not in ("in_progress", "delta"):
            self._open.pop(id_, None)
            self._closed.add(id_)
            self._check_closed(noun, what, data)

    def _check_created(self, noun: str, data: dict[str, Any]) -> None:
        if noun == "message" and data["content"] != []:
            self._fault("message.created with content")
        if noun == "message" and not self._open_of_type("message_creation"):
            self._fault("a message outside of a step")
        if noun == "run.step" and data["step_details"].get("tool_calls", []) != []:
            self._fault("run.step.created with calls")

    def _check_closed(self, noun: str, what: str, data: dict[str, Any]) -> None:
        if data["status"] != what:
            self._fault(f"{noun}.{what} says {data['status']}")
        made = data.get("step_details", {}).get("message_creation", {}).get("message_id")
        if noun == "run.step" and made in self._open:
            self._fault(f"the step of {made} is closed before it")

    def _open_of_type(self, type_: str) -> bool:
        return any(each.get("type") == type_ for each in self._open.values())

    def _fault(self, text: str) -> None:
        self.faults.append(f"event {self._number}: {text}")
