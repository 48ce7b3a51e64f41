"""Who answers for the model names `instance:NAME` and `character:ID`, in the project that asks."""

from dataclasses import dataclass
from urllib.parse import unquote

from understudy.characters.characters import character_of, characters_of
from understudy.characters.engine import Being, PersonaEngine
from understudy.characters.instances import find_instance, instances_of
from understudy.characters.persona import Persona
from understudy.characters.remembering import blocks_of
from understudy.characters.surroundings import Surroundings
from understudy.engines.base import ModelInfo
from understudy.engines.registry import EMBEDDED, Asker, Registry, Route
from understudy.errors import InvalidRequest, NotFound
from understudy.settings import ModelSettings
from understudy.store.pages import PageQuery

INSTANCE_PREFIX = "instance:"
CHARACTER_PREFIX = "character:"
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Personas:
    """The personas of every project, as the registry finds them."""

    surroundings: Surroundings
    registry: Registry

    def register(self, *, are_listed: bool) -> None:
        """Have the registry ask here; `are_listed` puts them among the models as well."""
        self.registry.register(INSTANCE_PREFIX, self.instance)
        self.registry.register(CHARACTER_PREFIX, self.character)
        if are_listed:
            self.registry.list_also(self.listed)

    async def instance(self, name: str, asker: Asker) -> Route | None:
        """Return who answers for an instance, named by its name or id; None where none is."""
        reference = unquote(name.removeprefix(INSTANCE_PREFIX))
        try:
            async with self.surroundings.storage.database.read() as connection:
                found = await find_instance(connection, asker.project_id, reference)
                character = await characters_of(asker.project_id).find(connection, found.parent)
        except NotFound:
            return None
        persona = Persona(character_of(character), found.name or "", blocks_of(found))
        model = found.document["model"] or character.document["model"]
        inner = await self._inner(model)
        being = Being(persona, inner, found.created_at, found.id)
        return self._route(f"{INSTANCE_PREFIX}{found.name}", being, asker)

    async def character(self, name: str, asker: Asker) -> Route | None:
        """Return who answers for a character, which remembers nothing; None where none is."""
        id_ = unquote(name.removeprefix(CHARACTER_PREFIX))
        try:
            async with self.surroundings.storage.database.read() as connection:
                found = await characters_of(asker.project_id).find(connection, id_)
        except NotFound:
            return None
        inner = await self._inner(found.document["model"])
        being = Being(Persona(character_of(found)), inner, found.created_at)
        return self._route(f"{CHARACTER_PREFIX}{found.id}", being, asker)

    async def listed(self, asker: Asker) -> list[ModelInfo]:
        """Return the instances and characters of the asker's project as models."""
        project_id = asker.project_id
        query = PageQuery(limit=_AT_ONCE)
        async with self.surroundings.storage.database.read() as connection:
            instances = await instances_of(project_id).page(connection, query)
            characters = await characters_of(project_id).page(connection, query)
        named = [(f"{INSTANCE_PREFIX}{one.name}", one.created_at) for one in instances.objects]
        named += [(f"{CHARACTER_PREFIX}{one.id}", one.created_at) for one in characters.objects]
        return [ModelInfo(name, EMBEDDED, created) for name, created in named]

    async def _inner(self, model: str | None) -> Route:
        """Return the real model behind a persona.

        Raises InvalidRequest where that would be a persona again, ModelNotFound for an unknown one.
        """
        is_known = model is not None and await self._is_known(model)
        if self.registry.leads_to_persona(model if is_known else None):
            raise InvalidRequest(
                "The model of a persona would be a persona. Give the character or the instance a "
                "'model' of its own, since the default model is a persona.",
                param="model",
            )
        return await self.registry.route(model)

    async def _is_known(self, model: str) -> bool:
        return self.registry.leads_to_persona(model) or await self.registry.find(model) is not None

    def _route(self, name: str, being: Being, asker: Asker) -> Route:
        """Return the route of a persona; models that stand in stand in for the model behind it."""
        inner = being.inner.settings
        settings = ModelSettings(
            history_turns=inner.history_turns, summarise_history=inner.summarise_history
        )
        engine = PersonaEngine(self.surroundings, being, asker)
        return Route(engine, EMBEDDED, name, settings, plain=being.inner.served)
