"""The requests of the agent: a conversation as chat messages, and the functions it offers. Pure.

A model that can only quote is asked in another way than one that can write: it is told facts and
no instructions, and offered only the functions that belong to the intent of the message.
"""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from understudy_apps.languages import Language
from understudy_apps.sales.briefing import Knowledge
from understudy_apps.sales.intents import Intent
from understudy_apps.sales.models import ChatMessages, Question
from understudy_apps.sales.shapes import AgentConfiguration

MAX_MESSAGES = 40
"""How many of the latest messages a model is shown."""

_ROLES = {"visitor": "user", "agent": "assistant", "operator": "assistant"}
_PARAMETERS: dict[Language, dict[str, str]] = {
    "es": {
        "product": "el producto", "quantity": "cuántas unidades",
        "items": "los productos y cuántas unidades",
    },
    "en": {
        "product": "the product", "quantity": "how many units",
        "items": "the products and how many units",
    },
    "zh": {"product": "产品名称", "quantity": "数量", "items": "产品和数量"},
}  # fmt: skip


def chat_messages(system: str, stored: Sequence[Mapping[str, Any]]) -> ChatMessages:
    """Return the latest stored messages as a model reads them, below its instructions."""
    messages: ChatMessages = [{"role": "system", "content": system}]
    for row in stored[-MAX_MESSAGES:]:
        if row["calls"]:
            messages += call_messages(row["calls"])
        if row["text"]:
            messages.append({"role": _ROLES[row["author"]], "content": row["text"]})
    return messages


def call_messages(calls: Iterable[Mapping[str, Any]], text: str = "") -> ChatMessages:
    """Return functions that were called in one turn, and their outputs."""
    made = list(calls)
    return [
        {
            "role": "assistant",
            "content": text or None,
            "tool_calls": [
                {
                    "id": call["call_id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": call["arguments"]},
                }
                for call in made
            ],
        },
        *(
            {"role": "tool", "tool_call_id": call["call_id"], "content": call["output"]}
            for call in made
        ),
    ]


def offered(
    definitions: Iterable[Any], knowledge: Knowledge, language: Language
) -> list[dict[str, Any]]:
    """Return definitions that name the products and describe parameters in a language."""
    names = [product.name[language] for product in knowledge.catalogue.product]
    told = [copy.deepcopy(dict(definition)) for definition in definitions]
    for definition in told:
        for properties in _properties(definition["function"]["parameters"]):
            if "product" in properties:
                properties["product"]["enum"] = names
            for name in properties.keys() & _PARAMETERS[language].keys():
                properties[name]["description"] = _PARAMETERS[language][name]
    return told


def full_question(
    messages: ChatMessages, tools: Sequence[Any], configuration: AgentConfiguration
) -> Question:
    """Return what a model is asked that can write."""
    return Question(messages, tools, sampling(configuration))


def sampling(configuration: AgentConfiguration) -> dict[str, Any]:
    """Return the parameters that the configuration sets."""
    return {
        "temperature": configuration.temperature,
        "max_tokens": configuration.max_tokens,
        "top_p": configuration.top_p,
    }


def quoted_question(
    messages: ChatMessages, tools: Sequence[Any], intent: Intent | None
) -> Question:
    """Return what a model is asked that can only quote: it may call what belongs to the intent."""
    wanted = intent.functions if intent else []
    chosen = [tool for tool in tools if tool["function"]["name"] in wanted]
    if not chosen:
        return Question(messages)
    question = Question(messages, chosen, {"parallel_tool_calls": False})
    # Where nothing can be missing, the intent has told that this is what is wanted.
    is_complete = not chosen[0]["function"]["parameters"].get("required")
    return demanded(question) if is_complete else question


def demanded(question: Question) -> Question:
    """Return a question that must be answered with its function, if it has just one."""
    if len(question.tools) != 1:
        return question
    name = question.tools[0]["function"]["name"]
    choice = {"type": "function", "function": {"name": name}}
    return replace(question, options={**question.options, "tool_choice": choice})


def summary_of(calls: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what functions say of what they did, None where one of them failed."""
    outputs = [json.loads(call["output"]) for call in calls]
    summaries = [str(output.get("summary", "")) for output in outputs]
    return "\n\n".join(summaries) if all(summaries) else None


def intent_question(text: str, names: Sequence[str]) -> Question:
    """Return the question which of the intents a message has."""
    schema = {
        "type": "object",
        "properties": {"intent": {"type": "string", "enum": list(names)}},
        "required": ["intent"],
        "additionalProperties": False,
    }
    told = "Tell what the message of a customer wants. Answer in JSON with the field 'intent'."
    return Question(
        [{"role": "system", "content": told}, {"role": "user", "content": text}],
        options={
            "temperature": 0,
            "max_tokens": 50,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "intent", "schema": schema, "strict": True},
            },
        },
    )


def intent_in(answer: str | None, names: Sequence[str]) -> str | None:
    """Return the intent that a model named, None where it named none of them."""
    try:
        named = json.loads(answer or "")["intent"]
    except (ValueError, KeyError, TypeError):
        return None
    return named if named in names else None


def _properties(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the properties of a schema and of what it defines."""
    schemas = [schema, *schema.get("$defs", {}).values()]
    return [one["properties"] for one in schemas if "properties" in one]
