"""Serving the door: `python -m homepot_ai.api.serve`, also behind `homepot-ai serve` and `up`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from homepot_ai import logs
from homepot_ai.api.app import create_app, pooled
from homepot_ai.errors import HomepotAIError
from homepot_ai.language.ollama import model_of
from homepot_ai.settings import load_settings
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until stopped.

    Raises:
        DatabaseUnreachable: there is no database to ask.
    """
    import uvicorn

    logs.configure(settings.log)
    db = pooled(settings, Database.from_settings(settings))
    app = create_app(settings, db, model_of(settings, db), warm=True)
    uvicorn.run(
        app,
        host=settings.api.host,
        port=settings.api.port,
        access_log=False,
        # Who asks is decided by the connection, not by a header that anybody can write.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        log_config=None,
    )


def main() -> int:
    """The process's entry."""
    try:
        serve(load_settings())
    except HomepotAIError as error:
        sys.stderr.write(f"homepot-ai serve: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
