"""A program that takes backups to another place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from homepot_ai.backup.places import Command
    from homepot_ai.settings import Settings

SECOND_PLACE = "second-place"


class SecondPlace(Block):
    """A program such as rclone or restic, run after every good backup; never through a shell."""

    _block_type_name = "Second place"
    _block_type_slug = "second-place"
    _description = "A program that takes backups elsewhere. Written by bootstrap from the settings."

    argv: list[str] = Field(min_length=1, description="its arguments; {archive} becomes the archive's path")
    env: dict[str, SecretStr] = Field(default_factory=dict, description="what it needs to log in")
    timeout_seconds: Annotated[float, Field(gt=0, le=43200)] = 3600.0

    @classmethod
    def from_settings(cls, settings: Settings) -> SecondPlace | None:
        """The block that the settings describe; None: there is no such program."""
        backup = settings.backup
        if not backup.second_command:
            return None
        return cls(
            argv=list(backup.second_command),
            env=backup.second_command_env,
            timeout_seconds=backup.second_command_seconds,
        )

    @classmethod
    def load_if_there(cls) -> Command | None:
        """The program that backups are handed to; None: there is none."""
        from homepot_ai.backup.places import Command

        try:
            found = cls.load(SECOND_PLACE)
        except ValueError:
            return None
        env = {name: value.get_secret_value() for name, value in found.env.items()}
        return Command(tuple(found.argv), env, found.timeout_seconds)
