"""Log lines carry their request's id and extra fields, in either style."""

import json
import logging
import subprocess
import sys
from datetime import datetime

from understudy.logs import REQUEST_ID, HumanFormatter, JsonFormatter


def record(**extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "understudy.x", "levelname": "INFO", "msg": "did %s"})
    made.args = ("it",)
    made.created = 1_790_000_000.25
    vars(made).update(extra)
    return made


def test_a_json_line_holds_everything() -> None:
    token = REQUEST_ID.set("req_1")
    try:
        line = json.loads(JsonFormatter().format(record(status=200, path=b"raw", odd={1})))
    finally:
        REQUEST_ID.reset(token)

    moment = datetime.strptime(line.pop("time"), "%Y-%m-%dT%H:%M:%S%z")
    assert moment.timestamp() == 1_790_000_000
    assert line["message"] == "did it"
    assert (line["level"], line["logger"]) == ("info", "understudy.x")
    assert (line["request_id"], line["status"], line["odd"]) == ("req_1", 200, [1])


def test_what_json_does_not_know_is_written_as_text() -> None:
    line = json.loads(JsonFormatter().format(record(error=ValueError("no"))))

    assert line["error"] == "no"


def test_a_json_line_holds_the_traceback() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        failed = record()
        failed.exc_info = (ValueError, error, error.__traceback__)

    assert "ValueError: boom" in json.loads(JsonFormatter().format(failed))["exception"]


def test_a_human_line_ends_with_fields_and_request() -> None:
    token = REQUEST_ID.set("req_2")
    try:
        line = HumanFormatter().format(record(status=404))
    finally:
        REQUEST_ID.reset(token)

    assert line.endswith("INFO    did it status=404 [req_2]")


def test_a_human_line_cannot_be_forged() -> None:
    line = HumanFormatter().format(record(path="/x\n12:00:00 ERROR forged \x1b[31m ñ 你好"))

    assert line.endswith("path=/x\\n12:00:00 ERROR forged \\x1b[31m ñ 你好")


def test_a_human_line_outside_a_request_names_none() -> None:
    assert HumanFormatter().format(record()).endswith("did it")


# In a process of its own, since it takes the root logger's handlers away.
_MALFORMED_FORM = """
import logging
from understudy.logs import configure_logs
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
configure_logs("debug", "human")
logging.getLogger("understudy").warning("logs are on")
try:
    MultipartParser(b"edge").write(b"--edge\\r\\nsecret header\\r\\n")
except FormParserError:
    print("refused")
"""


def test_a_malformed_form_is_not_quoted_in_the_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MALFORMED_FORM], capture_output=True, text=True, check=True
    )

    assert done.stdout == "refused\n"
    assert [line.partition("WARNING ")[2] for line in done.stderr.splitlines()] == ["logs are on"]
