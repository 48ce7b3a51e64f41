"""`agent` and `knowledge`: how the agent asks its model, and the files that say what it knows."""

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from understudy_apps.errors import BadRequest, NotFound
from understudy_apps.sales.briefing import KnowledgeFault
from understudy_apps.sales.dependencies import Operator, Parts
from understudy_apps.sales.shapes import AgentConfiguration

router = APIRouter(tags=["configuration"])


class KnowledgeNames(BaseModel):
    """The data files."""

    files: list[str]


class KnowledgeFile(BaseModel):
    """A data file: TOML or Markdown."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=200_000)]


@router.get("/agent")
async def show_agent(_session: Operator, parts: Parts) -> AgentConfiguration:
    """Show how the agent asks its model."""
    return await parts.configurations.current()


@router.put("/agent")
async def configure_agent(
    body: AgentConfiguration, _session: Operator, parts: Parts
) -> AgentConfiguration:
    """Change how the agent asks its model, from the next message on."""
    await parts.configurations.save(body)
    parts.models.health.reset()
    return body


@router.delete("/agent")
async def reset_agent(_session: Operator, parts: Parts) -> AgentConfiguration:
    """Go back to what the settings say."""
    await parts.configurations.reset()
    parts.models.health.reset()
    return await parts.configurations.current()


@router.get("/knowledge")
async def list_files(_session: Operator, parts: Parts) -> KnowledgeNames:
    """List the data files."""
    return KnowledgeNames(files=parts.knowledge.names())


@router.get("/knowledge/{name:path}")
async def get_file(name: str, _session: Operator, parts: Parts) -> KnowledgeFile:
    """Return a data file."""
    try:
        text = await anyio.to_thread.run_sync(parts.knowledge.text, name)
    except KeyError as error:
        raise NotFound(f"There is no data file '{name}'.", "no_such_file") from error
    return KnowledgeFile(text=text)


@router.put("/knowledge/{name:path}")
async def replace_file(
    name: str, body: KnowledgeFile, _session: Operator, parts: Parts
) -> KnowledgeFile:
    """Replace a data file, if the agent can use it."""
    try:
        await anyio.to_thread.run_sync(parts.knowledge.replace, name, body.text)
    except KeyError as error:
        raise NotFound(f"There is no data file '{name}'.", "no_such_file") from error
    except KnowledgeFault as fault:
        raise BadRequest(str(fault), "unusable_file", "text") from fault
    return body
