"""A user's program for langchain-openai: only environment variables say where the API is."""

import asyncio
import io
import os
from typing import Any

from byte_tokens import use_byte_tokens
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from reporting import ABOUT_A_PERSON, CAT, QUESTION, TEXTS, WEATHER, main, weather_in

MODEL = os.environ.get("MODEL", "gpt-4o-mini")
EMBEDDING_MODEL = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")

use_byte_tokens()
model = ChatOpenAI(model=MODEL, max_retries=0, timeout=30)


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def chat() -> Any:
    answers = {language: model.invoke(text) for language, text in TEXTS.items()}
    return {language: answer.model_dump(mode="json") for language, answer in answers.items()}


def stream() -> Any:
    seen = {}
    for language, text in TEXTS.items():
        chunks = list(model.stream(text))
        total = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        seen[language] = {
            "plain": model.invoke(text).text,
            "streamed": total.text,
            "usage": total.usage_metadata,
            "finish_reason": total.response_metadata.get("finish_reason"),
        }
    return seen


def responses() -> Any:
    """Ask the Responses API: go on from an answer that it keeps, and have it search files."""
    asked: Any = {"model": MODEL, "max_retries": 0, "timeout": 30, "use_responses_api": True}
    going_on = ChatOpenAI(**asked, use_previous_response_id=True)
    first = going_on.invoke("I am Ana.")
    second = going_on.invoke([HumanMessage("I am Ana."), first, HumanMessage("Who am I?")])
    stores = model.root_client.vector_stores
    store = stores.create(name="animals")
    file = ("cat.txt", io.BytesIO(CAT.encode()))
    stores.files.upload_and_poll(file=file, vector_store_id=store.id, poll_interval_ms=20)
    search = {"type": "file_search", "vector_store_ids": [store.id]}
    searching = ChatOpenAI(**asked, output_version="v1").bind_tools([search])
    question = "Where does the cat sleep?"
    plain = searching.invoke(question)
    streamed, *rest = searching.stream(question)
    for chunk in rest:
        streamed += chunk
    return {
        "going_on": second.text,
        "searched": [_searched(plain), _searched(streamed)],
    }


def _searched(answer: Any) -> Any:
    """Return an answer's text, and of what is cited in it the titles."""
    parts = [part for part in answer.content_blocks if part["type"] == "text"]
    cited = [cite["title"] for part in parts for cite in part.get("annotations", ())]
    return {"text": answer.text, "cited": cited}


def tools() -> Any:
    """Let the model call the tool, run it, and give the result back."""
    with_tools = model.bind_tools([{"type": "function", "function": WEATHER}])
    asked = HumanMessage(QUESTION)
    first = with_tools.invoke([asked])
    (call,) = first.tool_calls
    result = {
        "role": "tool",
        "tool_call_id": call["id"],
        "content": str(weather_in(**call["args"])),
    }
    second = with_tools.invoke([asked, first, result])
    return {"calls": first.tool_calls, "answer": second.text}


def structured() -> Any:
    """Typed answers by each of the two ways that parse."""
    methods = ("json_schema", "function_calling")
    return [
        model.with_structured_output(Person, method=method).invoke(ABOUT_A_PERSON).model_dump()
        for method in methods
    ]


def embeddings() -> Any:
    """Vectors of texts that are sent as token ids, and of the same texts sent as they are."""
    texts = list(TEXTS.values())
    as_tokens = OpenAIEmbeddings(model=EMBEDDING_MODEL, max_retries=0)
    as_texts = OpenAIEmbeddings(
        model=EMBEDDING_MODEL, max_retries=0, check_embedding_ctx_length=False
    )
    return {
        "tokens": as_tokens.embed_documents(texts),
        "texts": as_texts.embed_documents(texts),
        "query": as_texts.embed_query(texts[0]),
    }


def in_parallel() -> Any:
    async def run() -> Any:
        answers = await asyncio.gather(*(model.ainvoke(text) for text in TEXTS.values()))
        streamed = [chunk.text async for chunk in model.astream(TEXTS["en"])]
        return [*(answer.text for answer in answers), "".join(streamed)]

    return asyncio.run(run())


def one_error() -> Any:
    try:
        answer = model.invoke(TEXTS["en"])
    except Exception as error:
        return {"class": type(error).__name__, "message": str(error)}
    return {"class": None, "answer": answer.text}


if __name__ == "__main__":
    main(
        {
            "chat": chat,
            "stream": stream,
            "responses": responses,
            "tools": tools,
            "structured": structured,
            "embeddings": embeddings,
            "in_parallel": in_parallel,
            "one_error": one_error,
        }
    )
