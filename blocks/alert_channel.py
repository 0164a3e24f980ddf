"""A channel that alerts go to: one chat, topic or webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from homepot_ai import pod_names

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

PREFIX = "channel-"


def document(channel: str, pod: str = "") -> str:
    """The name of a channel's document.

    >>> document("telegram"), document("telegram", "east")
    ('channel-telegram', 'east-channel-telegram')
    """
    return pod_names.slug(f"{PREFIX}{channel}", pod)


class AlertChannel(Block):
    """Where Apprise sends a message."""

    _block_type_name = "Alert channel"
    _block_type_slug = "alert-channel"
    _description = "One chat, topic or webhook that alerts go to. Written by bootstrap from the settings."

    url: SecretStr = Field(description="Apprise's address with its token: one target")

    @classmethod
    def all_from_settings(cls, settings: Settings) -> dict[str, AlertChannel]:
        """A block for each channel of the settings, by the name of its document.

        Raises:
            SettingsError: an address is none, or names several targets.
        """
        from homepot_ai.alerts import channels

        made = {}
        for name, url in settings.alerts.channels.items():
            channels.check(name, url.get_secret_value())
            made[document(name, settings.pod)] = cls(url=url)
        return made

    @classmethod
    def load_all(cls, names: list[str], pod: str = "") -> dict[str, SecretStr]:
        """The addresses of these channels; one whose block is missing is left out, and its messages wait."""
        found = {}
        for name in names:
            try:
                found[name] = cls.load(document(name, pod)).url
            except ValueError:
                continue
        return found
