"""Take away what a pod has elsewhere: `python -m deployments.pod.remove [--data]`, with its environment."""

from __future__ import annotations

import sys

from deployments.pod import prefect as pod_prefect
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import settings_for
from homepot_ai.store import pods as sharing
from homepot_ai.store.database import Database


def main() -> int:
    """Remove, and say what; the exit code is 1 when the Prefect server or the database is away."""
    import httpx

    settings = settings_for(None)
    try:
        if not settings.pod:
            raise HomepotAIError("this is no pod's environment; say homepot-ai pod remove NAME")
        for line in pod_prefect.forget(settings):
            print(f"● {line}")
        # An embedded database goes with its folder.
        if "--data" in sys.argv[1:] and settings.database_url is not None:
            for line in sharing.drop(Database.from_settings(settings)):
                print(f"● {line}")
    except httpx.TransportError as error:
        print(
            f"no Prefect server answers at {settings.prefect.api_url} ({error}): start the host, then again",
            file=sys.stderr,
        )
        return 1
    except HomepotAIError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
