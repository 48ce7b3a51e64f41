"""The three servers of a run: the scripted upstream, nginx in front of it, Understudy likewise."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.client import Endpoint
from bench.processes import free_port, running, wait_until_healthy
from bench.upstream import MODEL

_ROOT = Path(__file__).resolve().parent.parent
_NGINX_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/client_body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream scripted {{
    server 127.0.0.1:{upstream_port};
    keepalive 128;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=256;
    location / {{
      proxy_pass http://scripted;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
_SETTINGS = """\
default_model = "scripted/{model}"

[providers.scripted]
base_url = "http://127.0.0.1:{upstream_port}/v1"
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    pid: int
    endpoint: Endpoint
    start_s: float
    """From the start of the process to its first healthy answer."""


@contextlib.contextmanager
def upstream(folder: Path, chunks: int, pace_ms: float) -> Iterator[Server]:
    """Run the scripted upstream, whose streams have `chunks` chunks `pace_ms` apart."""
    port = free_port()
    command = [
        sys.executable, "-m", "bench.upstream",
        f"--port={port}", f"--chunks={chunks}", f"--pace-ms={pace_ms}",
    ]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(_ROOT)}
    began = time.perf_counter()
    with running(command, folder, environ) as process:
        yield _started("direct", process, Endpoint(port, MODEL), began, "/v1/models")


@contextlib.contextmanager
def nginx(folder: Path, upstream_port: int) -> Iterator[Server | None]:
    """Run one nginx worker in front of the upstream; None where nginx is not installed."""
    executable = nginx_executable()
    if executable is None:
        yield None
        return
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(folder=folder, port=port, upstream_port=upstream_port))
    began = time.perf_counter()
    with running([executable, "-p", folder, "-c", config], folder) as process:
        yield _started("nginx", process, Endpoint(port, MODEL), began, "/v1/models")


def nginx_executable() -> str | None:
    """Return where nginx is installed; Debian keeps it where ordinary users do not look."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def understudy(folder: Path, upstream_port: int) -> Iterator[Server]:
    """Run `understudy serve` with the upstream as its provider, and settings of its own alone."""
    port = free_port()
    config = folder / "understudy.toml"
    config.write_text(_SETTINGS.format(model=MODEL, upstream_port=upstream_port))
    data = folder / "data"
    command = [
        sys.executable, "-m", "understudy", "serve",
        f"--port={port}", f"--data-dir={data}", f"--config={config}",
    ]  # fmt: skip
    environ = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSTUDY_")}
    began = time.perf_counter()
    with running(command, folder, environ) as process:
        endpoint = Endpoint(port, f"scripted/{MODEL}")
        yield _started("understudy", process, endpoint, began, "/health")


def _started(
    name: str, process: subprocess.Popen[bytes], endpoint: Endpoint, began: float, path: str
) -> Server:
    wait_until_healthy(process, endpoint.port, path)
    return Server(name, process.pid, endpoint, time.perf_counter() - began)
