"""Prefect blocks: the connections, with their secrets, that flows load by name.

Bootstrap writes them from the settings, so that the settings stay the only place
that anybody edits. `FLEET` and `MAIL` are the names of the documents.
"""

from blocks.fleet_database import FLEET, FleetDatabase
from blocks.mail_server import MAIL, MailServer

__all__ = ["FLEET", "MAIL", "FleetDatabase", "MailServer"]
