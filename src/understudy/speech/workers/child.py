"""The child process in which one engine works: jobs on standard input, results on standard output.

It ends when it has had nothing to do for a while, and with its parent.
"""

import os
import warnings
from typing import Protocol

import msgspec

from understudy import children
from understudy.speech.workers import frames
from understudy.speech.workers.exchange import Cancelled, Exchange
from understudy.speech.workers.frames import Refused, Start, WorkFailed


class Worker(Protocol):
    """An engine inside the child; it loads its model with its first job and keeps it."""

    def run(self, work: msgspec.Raw, exchange: Exchange) -> None:
        """Do one job. Raises Refused, WorkFailed and Cancelled; anything else is a failure."""
        ...


def main() -> None:
    """Do jobs until there are none."""
    stdin = open(0, "rb", closefd=False)
    start = frames.read_start(stdin)
    children.die_with(start.parent)
    warnings.simplefilter("ignore")
    exchange = Exchange(stdin, children.private_output())
    worker = make_worker(start)
    for job in exchange.jobs(start.idle_s):
        _do(worker, job.work, exchange)
    # At once: the thread that reads would trip over an orderly end.
    os._exit(0)


def make_worker(start: Start) -> Worker:
    """Return the engine that `start` names; nothing is loaded yet."""
    match start.engine:
        case "espeak":
            from understudy.speech.workers.espeak import EspeakWorker

            return EspeakWorker()
        case "sphinx":
            from understudy.speech.workers.sphinx import SphinxWorker

            return SphinxWorker()
        case "whisper":
            from understudy.speech.workers.whisper import WhisperWorker

            return WhisperWorker(start.model["path"], start.threads)
        case "kokoro":
            from understudy.speech.workers.kokoro import KokoroWorker

            return KokoroWorker(start.model["path"], start.model["voices"], start.threads)


def _do(worker: Worker, work: msgspec.Raw, exchange: Exchange) -> None:
    try:
        worker.run(work, exchange)
    except Cancelled:
        exchange.end()
    except Refused as refusal:
        exchange.fail(str(refusal), refusal.param)
    except WorkFailed as failure:
        exchange.fail(str(failure))
    except Exception as error:  # The root of this process: models raise anything.
        exchange.fail(f"{type(error).__name__}: {error}"[:500])
    else:
        exchange.end()


if __name__ == "__main__":
    main()
