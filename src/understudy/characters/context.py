"""What the model behind an instance would be shown with the next message, part by part."""

from understudy.characters.engine import PersonaEngine
from understudy.characters.instances import find_instance
from understudy.characters.persona import Part
from understudy.characters.personas import INSTANCE_PREFIX, Personas
from understudy.engines.registry import Asker
from understudy.errors import NotFound
from understudy.runs.messages import threads_of
from understudy.runs.prompt import ChatMessage, Setting, build
from understudy.runs.summary import read, uncovered
from understudy.runs.truncation import count_tokens
from understudy.store.items import Log
from understudy.wire.instance_turns import ContextMessage, ContextPart, InstanceContext


async def context_of(personas: Personas, project_id: str, reference: str) -> InstanceContext:
    """Return the context of an instance's own thread. Raises NotFound."""
    async with personas.surroundings.storage.database.read() as connection:
        instance = await find_instance(connection, project_id, reference)
        thread_id = instance.document["thread_id"]
        thread = await threads_of(project_id).find(connection, thread_id)
        items = await Log(project_id, thread_id).all(connection)
    route = await personas.instance(f"{INSTANCE_PREFIX}{instance.id}", Asker(project_id))
    if route is None or not isinstance(route.engine, PersonaEngine):
        raise NotFound(f"The character of '{instance.name}' is gone.", code="not_found")
    summary = read(thread.document.get("summary"))
    messages = build(uncovered(items, summary), Setting(run_id=""))
    parts = await route.engine.shown(messages)
    if summary is not None:
        parts.append(Part("summary", summary.text))
    return InstanceContext(
        instance_id=instance.id,
        model=route.plain,
        context_length=route.engine.context_length,
        tokens=sum(part.tokens for part in parts) + sum(map(count_tokens, messages)),
        parts=[ContextPart(part.name, part.tokens, part.text) for part in parts],
        messages=[_shown(message) for message in messages],
    )


def _shown(message: ChatMessage) -> ContextMessage:
    content = message.get("content") or message.get("tool_calls")
    return ContextMessage(message["role"], count_tokens(message), content)
