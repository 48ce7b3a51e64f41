"""How the agent asks its model: as an operator saved it, else as the settings say."""

from sqlalchemy import delete, insert, select

from understudy_apps.database import Database
from understudy_apps.sales.shapes import AgentConfiguration
from understudy_apps.sales.tables import agent_configuration


class Configurations:
    """The agent's configuration, whose defaults are given."""

    def __init__(self, database: Database, defaults: AgentConfiguration) -> None:
        self._database = database
        self._defaults = defaults

    async def current(self) -> AgentConfiguration:
        """Return what counts now."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(agent_configuration))).one_or_none()
        if row is None:
            return self._defaults
        saved = {name: row._mapping[name] for name in AgentConfiguration.model_fields}
        return AgentConfiguration.model_validate(saved)

    async def save(self, configuration: AgentConfiguration) -> None:
        """Have a configuration count from now on."""
        async with self._database.write() as connection:
            await connection.execute(delete(agent_configuration))
            row = {"id": 1, **configuration.model_dump()}
            await connection.execute(insert(agent_configuration).values(row))

    async def reset(self) -> None:
        """Have the settings count again."""
        async with self._database.write() as connection:
            await connection.execute(delete(agent_configuration))
