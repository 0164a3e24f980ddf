"""The server that takes our mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from homepot_ai.reporting import smtp
    from homepot_ai.settings import Settings

MAIL = "mail"


class MailServer(Block):
    """An SMTP server with its login."""

    _block_type_name = "Mail server"
    _block_type_slug = "mail-server"
    _description = "The SMTP server that takes reports and alerts. Written by bootstrap from the settings."

    host: str = Field(description="name or address of the server")
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = Field(
        default="starttls", description="none: only for a server on this machine"
    )
    user: str | None = None
    password: SecretStr | None = None
    sender: str = Field(description="the From address")
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    answer_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 600.0
    ca_file: str | None = Field(default=None, description="certificates to trust; empty: the system's")

    @classmethod
    def from_settings(cls, settings: Settings) -> MailServer:
        """The block that the settings describe."""
        mail = settings.mail
        return cls(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            user=mail.user,
            password=mail.password,
            sender=mail.sender,
            timeout_seconds=mail.timeout_seconds,
            answer_timeout_seconds=mail.answer_timeout_seconds,
            ca_file=None if mail.ca_file is None else str(mail.ca_file),
        )

    def server(self) -> smtp.MailServer:
        """The record that `homepot_ai.reporting.smtp` sends with."""
        from homepot_ai.reporting import smtp

        return smtp.MailServer(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=self.password,
            timeout=self.timeout_seconds,
            answer_timeout=self.answer_timeout_seconds,
            ca_file=None if self.ca_file is None else Path(self.ca_file),
            sender=self.sender,
        )
