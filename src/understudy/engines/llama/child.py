"""The child process in which one model runs: llama.cpp's own server on a loopback port.

A launch on standard input, one report on standard output, reasons on standard error.
"""

import contextlib
import os
import sys
import threading
from pathlib import Path

import msgspec

from understudy import children

_HOST = "127.0.0.1"
_MIB = 1024**2
_SPARE_HTTP_THREADS = 64
"""A request that waits for a slot holds a thread; others must still be heard."""
_ERRORS_ONLY = 1
_KILLED_BEFORE_OTHERS = "500"
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""What this process is to be begun with: malloc reads it before any of our code runs.

Weights are read through once per token. In huge pages that was 17 % faster (`bench.local`), since
the processor looks up fewer addresses.
"""


class Launch(msgspec.Struct, frozen=True):
    """How a model is run."""

    parent: int
    name: str
    path: str
    key: str
    is_embedding: bool
    context_length: int
    """Of each slot."""
    slots: int
    threads: int | None
    batch_size: int
    prompt_cache_bytes: int
    chat_template: str | None = None


class Report(msgspec.Struct, frozen=True):
    """Where the model answers."""

    url: str


_running: list[object] = []
"""The engine stops with its object."""


def main() -> None:
    """Run the model until the parent goes away."""
    stdin = open(0, "rb", buffering=0, closefd=False)
    launch = msgspec.json.decode(stdin.readline(), type=Launch)
    children.die_with_parent(launch.parent, stdin)
    _be_killed_before_others()
    output = os.dup(1)
    os.dup2(2, 1)
    url = _start(launch)
    os.write(output, msgspec.json.encode(Report(url)) + b"\n")
    threading.Event().wait()


def _start(launch: Launch) -> str:
    """Load the model and return its address; the engine has said on standard error why not."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = launch.path
    params.model_alias = {launch.name}
    params.hostnames = [_HOST]
    params.port = 0
    params.api_keys = [launch.key]
    params.cors_origins = ""
    params.ui = False
    # An assistant's message at the end is history, as everywhere in the API, not a beginning.
    params.prefill_assistant = False
    params.endpoint_slots = True
    params.n_threads_http = launch.slots + _SPARE_HTTP_THREADS
    params.verbosity = _ERRORS_ONLY
    params.fit_params = False
    if sys.platform == "linux":
        # Pages of a mapped file are never huge; those of malloc are, by ENVIRONMENT.
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.n_parallel = launch.slots
    params.n_ctx = launch.slots * launch.context_length
    params.n_batch = params.n_ubatch = launch.batch_size
    params.cache_ram_mib = launch.prompt_cache_bytes // _MIB
    params.embedding = launch.is_embedding
    if launch.threads is not None:
        params.cpuparams.n_threads = launch.threads
        params.cpuparams_batch.n_threads = launch.threads
    if launch.chat_template is not None:
        params.chat_template = launch.chat_template
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(str(error))
    _running.append(server)
    return str(server.listening_address)


def _be_killed_before_others() -> None:
    """Let the system end this process before the server when memory runs out."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_KILLED_BEFORE_OTHERS, encoding="ascii")


if __name__ == "__main__":
    main()
