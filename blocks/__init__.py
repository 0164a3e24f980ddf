"""Prefect blocks: the connections, with their secrets, that flows load by name.

Bootstrap writes them from the settings, so that the settings stay the only place
that anybody edits. `FLEET` and `MAIL` are the names of the documents; each alert
channel has a document `channel-NAME`.
"""

from blocks.alert_channel import AlertChannel
from blocks.fleet_database import FLEET, FleetDatabase
from blocks.mail_server import MAIL, MailServer
from blocks.second_place import SECOND_PLACE, SecondPlace

__all__ = ["FLEET", "MAIL", "SECOND_PLACE", "AlertChannel", "FleetDatabase", "MailServer", "SecondPlace"]
