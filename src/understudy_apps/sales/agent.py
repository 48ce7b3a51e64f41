"""One answer of the agent: asks the model, calls its functions, stores what came of it.

Knows neither HTTP nor channels: events go to whoever listens, and the answer is stored whether
anybody listens or not.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from openai.types.beta.threads import RequiredActionFunctionToolCall

from understudy_apps.languages import Language
from understudy_apps.sales import prompts
from understudy_apps.sales.agent_functions import AgentFunctions, Records
from understudy_apps.sales.briefing import Knowledge, KnowledgeFolder, facts_prompt, system_prompt
from understudy_apps.sales.configurations import Configurations
from understudy_apps.sales.conversations import Conversations, NewMessage
from understudy_apps.sales.intents import PERSON
from understudy_apps.sales.languages import is_language, language_of_text
from understudy_apps.sales.locks import Locks
from understudy_apps.sales.models import (
    Answer,
    Call,
    ChatMessages,
    Models,
    Question,
    Unanswered,
)
from understudy_apps.sales.sent_quotes import made_by
from understudy_apps.sales.shapes import AgentConfiguration
from understudy_apps.tools import Tools

MAX_ROUNDS = 5
_TOOL_TIMEOUT_S = 20.0
_ABOUT_THE_SERVER = re.compile(r"\b[A-Z][A-Z0-9_]*_API_KEY\b")
"""What an embedded model says to whoever runs it, and a customer is not to read."""

Row = dict[str, Any]
Emit = Callable[[str, Row], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Written:
    """A visitor's message; `external_id` is the channel's own, by which it is known again."""

    text: str
    external_id: str | None = None


@dataclass(slots=True)
class _Turn:
    """What is known while one message is answered."""

    conversation: Row
    language: Language
    knowledge: Knowledge
    configuration: AgentConfiguration
    functions: AgentFunctions
    tools: Tools
    definitions: list[Row]
    intent: str
    intent_before: str | None
    said: "_Said"
    rounds: ChatMessages = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """What the agent reads and writes."""

    records: Records
    conversations: Conversations
    knowledge: KnowledgeFolder
    configurations: Configurations


class Agent:
    """Answers messages, those of one conversation one after another.

    A message is accepted first, which is durable, and answered then; what was accepted before a
    crash can be answered after it.
    """

    def __init__(
        self,
        stores: Stores,
        models: Models,
        *,
        intents_by_model: bool = False,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._stores = stores
        self._conversations = stores.conversations
        self._models = models
        self._intents_by_model = intents_by_model
        self._today = today
        self._locks = Locks()

    async def accept(self, conversation_id: int, written: Written) -> Row | None:
        """Store a visitor's message, None if it was delivered before. Raises NotFound."""
        message = NewMessage("visitor", written.text, external_id=written.external_id)
        return await self._conversations.add(conversation_id, message)

    async def answer(self, conversation_id: int, emit: Emit) -> Row | None:
        """Answer what a visitor wrote last, and return the answer as it was stored.

        None when a person answers instead, or when nothing waits for an answer. Emits `delta`,
        `restart`, `tool`, `quote`, `handed_over` and `waiting`. Raises NotFound.
        """
        async with self._locks.hold(conversation_id):
            stored = await self._conversations.messages(conversation_id)
            pending = [row for row in stored if row["author"] == "visitor" and not row["intent"]]
            if not pending:
                return None
            turn = await self._begin(conversation_id, stored, emit)
            rules = turn.knowledge.intents
            intents = {row["id"]: rules.intent_of(row["text"]) for row in pending}
            intents[pending[-1]["id"]] = turn.intent
            if turn.conversation["status"] == "person":
                await self._conversations.set_intents(intents)
                await emit("waiting", {})
                return None
            try:
                await self._answer(turn, stored, emit)
            except Unanswered:
                await turn.said.instead(turn.knowledge.texts["unavailable"][turn.language])
            answer = NewMessage("agent", turn.said.text, model=turn.model, calls=turn.calls)
            return await self._conversations.add(conversation_id, answer, intents=intents)

    async def _begin(self, conversation_id: int, stored: list[Row], emit: Emit) -> _Turn:
        """Return what is known before the model is asked, with the language of the last message."""
        knowledge = self._stores.knowledge.current()
        configuration = await self._stores.configurations.current()
        conversation = await self._conversations.get(conversation_id)
        written = [row for row in stored if row["author"] == "visitor"]
        text = written[-1]["text"]
        language = _language(configuration, conversation, text)
        if language != conversation["language"]:
            conversation = await self._conversations.set_language(conversation_id, language)
        if conversation["status"] == "closed":
            conversation = await self._conversations.set_status(conversation_id, "agent")
        functions = AgentFunctions(self._stores.records, knowledge, conversation, self._today())
        tools = Tools(functions.every(), timeout_s=_TOOL_TIMEOUT_S)
        return _Turn(
            conversation=conversation,
            language=language,
            knowledge=knowledge,
            configuration=configuration,
            functions=functions,
            tools=tools,
            definitions=prompts.offered(tools.definitions, knowledge, language),
            intent=knowledge.intents.agreed(
                await self._intent(knowledge, configuration, text),
                _proposed(stored, knowledge, language),
            ),
            intent_before=_unfulfilled(stored),
            said=_Said(emit),
        )

    async def _intent(
        self, knowledge: Knowledge, configuration: AgentConfiguration, text: str
    ) -> str:
        rules = knowledge.intents
        if not self._intents_by_model:
            return rules.intent_of(text)
        question = prompts.intent_question(text, rules.names)
        answer = await self._models.complete(configuration, question)
        return prompts.intent_in(answer, rules.names) or rules.intent_of(text)

    async def _answer(self, turn: _Turn, stored: list[Row], emit: Emit) -> None:
        """Ask the model until it calls for nothing more, or hands over. Raises Unanswered."""
        contact = await self._contact_summary(turn.conversation)
        full = system_prompt(turn.knowledge, turn.language, contact, self._today())
        facts = facts_prompt(turn.knowledge, turn.language)
        for _ in range(MAX_ROUNDS):
            turn.said.begin_round()
            answer = await self._models.ask(
                turn.configuration,
                prompts.full_question(
                    [*prompts.chat_messages(full, stored), *turn.rounds],
                    turn.definitions,
                    turn.configuration,
                ),
                _quoted(turn, [*prompts.chat_messages(facts, stored), *turn.rounds]),
                turn.said,
            )
            turn.model = answer.model
            if answer.is_quoted:
                await turn.said.say(_for_customers(answer.text, turn))
            if not answer.calls:
                break
            await self._call(turn, answer, emit)
            if turn.functions.is_handed_over:
                await turn.said.instead(turn.knowledge.texts["handed_over"][turn.language])
                await emit("handed_over", {})
                return
        if not turn.said.text.strip():
            await turn.said.say(turn.knowledge.texts["no_answer"][turn.language])

    async def _call(self, turn: _Turn, answer: Answer, emit: Emit) -> None:
        outputs = await turn.tools.outputs([_sdk_call(call) for call in answer.calls])
        made = [
            {
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "output": str(output["output"]),
            }
            for call, output in zip(answer.calls, outputs, strict=True)
        ]
        turn.calls += made
        turn.rounds += prompts.call_messages(made, answer.text)
        for call in made:
            await emit("tool", {name: call[name] for name in ("name", "arguments", "output")})
        for quote in made_by(made):
            await emit("quote", quote)

    async def _contact_summary(self, conversation: Row) -> str:
        if conversation["contact_id"] is None:
            return ""
        contact = await self._stores.records.contacts.get(conversation["contact_id"])
        known = ("name", "company", "email", "phone", "interest", "stage", "notes")
        return "; ".join(f"{name}: {contact[name]}" for name in known if contact[name])


class _Said:
    """The text of an answer over all its rounds, told to a listener while it comes."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._kept = ""
        self.text = ""

    def begin_round(self) -> None:
        """Keep what the rounds before said, whatever becomes of the next."""
        self._kept = self.text

    async def say(self, text: str) -> None:
        if not text:
            return
        begins_paragraph = self._kept and self.text == self._kept
        told = f"\n\n{text}" if begins_paragraph else text
        self.text += told
        await self._emit("delta", {"text": told})

    async def take_back(self) -> None:
        if self.text != self._kept:
            self.text = self._kept
            await self._emit("restart", {"text": self.text})

    async def instead(self, text: str) -> None:
        """Say a sentence in place of what this round said."""
        await self.take_back()
        await self.say(text)


def _language(configuration: AgentConfiguration, conversation: Row, text: str) -> Language:
    if is_language(configuration.language):
        return configuration.language
    before: Language = conversation["language"]
    return language_of_text(text) or before


def _unfulfilled(stored: list[Row]) -> str | None:
    """Return the intent of the message before the last, if the agent called nothing for it."""
    before = [row for row in stored if row["author"] != "operator"][-3:-1]
    is_asked = [row["author"] for row in before] == ["visitor", "agent"] and not before[1]["calls"]
    return before[0]["intent"] if is_asked else None


def _proposed(stored: list[Row], knowledge: Knowledge, language: Language) -> str | None:
    """Return the intent of who agrees to what the agent said last, if that proposed anything."""
    said = [row for row in stored if row["author"] == "agent"][-1:]
    if said and said[0]["text"] == knowledge.texts["no_answer"][language]:
        return PERSON
    before = knowledge.intents.named(_unfulfilled(stored))
    return before.then if before else None


def _quoted(turn: _Turn, messages: ChatMessages) -> Question:
    """Return what a model is asked that can only quote."""
    if turn.calls:
        no_answer = turn.knowledge.texts["no_answer"][turn.language]
        return Question(messages, ready=prompts.summary_of(turn.calls) or no_answer)
    answer = turn.knowledge.answers.get(turn.intent)
    if answer is not None:
        return Question(messages, ready=answer[turn.language])
    rules = turn.knowledge.intents
    intent, before = rules.named(turn.intent), rules.named(turn.intent_before)
    if before is None or not before.functions or not (intent is None or intent.completes):
        return prompts.quoted_question(messages, turn.definitions, intent)
    question = prompts.quoted_question(messages, turn.definitions, before)
    text = messages[-1]["content"]
    is_given = turn.knowledge.catalogue.find(text) and not text.rstrip().endswith(("?", "\uff1f"))
    return prompts.demanded(question) if is_given else question


def _for_customers(text: str, turn: _Turn) -> str:
    """Return a text, or the sentence for "no answer" where it is for whoever runs the server."""
    is_internal = _ABOUT_THE_SERVER.search(text)
    return turn.knowledge.texts["no_answer"][turn.language] if is_internal else text


def _sdk_call(call: Call) -> RequiredActionFunctionToolCall:
    return RequiredActionFunctionToolCall.model_validate(
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
    )
