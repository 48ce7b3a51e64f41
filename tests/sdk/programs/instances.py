"""A user's program that talks to an instance of a character with openai 1 and later."""

import os
from typing import Any

from openai import OpenAI
from reporting import main, user

MODEL = os.environ["MODEL"]
NAME, QUESTION = "Me llamo Ana y me gusta el té.", "¿Cómo me llamo?"
client = OpenAI(timeout=30)


def chat() -> Any:
    """Tell a name in one request and ask for it in another, which does not have the first."""
    said = [client.chat.completions.create(model=MODEL, messages=user(t)) for t in (NAME, QUESTION)]
    return [answer.choices[0].message.content for answer in said]


def stream() -> Any:
    chunks = client.chat.completions.create(model=MODEL, messages=user(QUESTION), stream=True)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return {
        "text": "".join(choice.delta.content or "" for choice in choices),
        "finish_reasons": [one.finish_reason for one in choices if one.finish_reason],
    }


def complete() -> Any:
    return client.completions.create(model=MODEL, prompt=QUESTION).choices[0].text


if __name__ == "__main__":
    main({"chat": chat, "stream": stream, "complete": complete})
