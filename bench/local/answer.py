"""What an answer was like, and the line in which a process of another Python tells it.

Of the standard library alone: that Python has nothing of ours.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Times are seconds since the request was sent."""

    first_token_s: float
    last_token_s: float
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens_per_s(self) -> float:
        """How fast tokens followed the first one."""
        return (self.completion_tokens - 1) / (self.last_token_s - self.first_token_s)


@dataclass(frozen=True, slots=True)
class Request:
    """So many streams with prompts of so many tokens, each answered with exactly so many."""

    streams: int
    prompt_tokens: int
    tokens: int


def serve(generate: Callable[[Request], Answer]) -> None:
    """Answer each line of standard input, until it ends; what libraries print is no answer."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for line in sys.stdin:
        answer = generate(Request(**json.loads(line)))
        print(json.dumps(asdict(answer)), file=answers, flush=True)
