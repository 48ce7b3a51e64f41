"""A user's program that talks to an instance of a character with openai 0.28, by `engine` too."""

import os
from typing import Any

import openai
from reporting import main, user

MODEL = os.environ["MODEL"]
NAME, QUESTION = "Me llamo Ana y me gusta el té.", "¿Cómo me llamo?"
TIMEOUT = {"request_timeout": 30}


def chat() -> Any:
    """Tell a name in one request and ask for it in another, which does not have the first."""
    create = openai.ChatCompletion.create
    said = [create(model=MODEL, messages=user(text), **TIMEOUT) for text in (NAME, QUESTION)]
    return [answer["choices"][0]["message"]["content"] for answer in said]


def stream() -> Any:
    chunks = openai.Completion.create(engine=MODEL, prompt=QUESTION, stream=True, **TIMEOUT)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return {
        "text": "".join(choice["text"] for choice in choices),
        "finish_reasons": [one["finish_reason"] for one in choices if one["finish_reason"]],
    }


def complete() -> Any:
    answer = openai.Completion.create(engine=MODEL, prompt=QUESTION, **TIMEOUT)
    return answer["choices"][0]["text"]


if __name__ == "__main__":
    main({"chat": chat, "stream": stream, "complete": complete})
