"""The database that holds HOMEPOT's tables and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

FLEET = "fleet"


class FleetDatabase(Block):
    """PostgreSQL with HOMEPOT's tables and ours; the address may hold a password and is kept secret."""

    _block_type_name = "Fleet database"
    _block_type_slug = "fleet-database"
    _description = "PostgreSQL with HOMEPOT's tables and ours. Written by bootstrap from the settings."

    url: SecretStr = Field(description="libpq address, for example postgresql://user:password@host/homepot")
    schema_name: str = Field(default="homepot_ai", description="schema of our own tables")
    homepot_schema: str = Field(default="public", description="schema of HOMEPOT's tables")

    @classmethod
    def from_settings(cls, settings: Settings) -> FleetDatabase:
        """The block that the settings describe (the embedded database must be running to be found)."""
        from homepot_ai.store.database import Database

        found = Database.from_settings(settings)
        return cls(url=SecretStr(found.url), schema_name=found.schema, homepot_schema=found.homepot_schema)

    def database(self) -> Database:
        """The door to PostgreSQL; connects at first use."""
        from homepot_ai.settings import load_settings
        from homepot_ai.store.database import Database
        from homepot_ai.store.sealing import Keys

        # The field key stays in the environment: a block would put it beside what it protects.
        keys = Keys.from_settings(load_settings().security)
        return Database(self.url.get_secret_value(), self.schema_name, self.homepot_schema, keys)
