"""Look at a pod's own code in a process of its own: `python -m deployments.pod.probe`, with its environment.

Prints a JSON list of sentences, one for each thing that would fail later.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployments.pod import profiles
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import load_settings

if TYPE_CHECKING:
    from deployments.pod.profiles import OwnDeployment


def main() -> int:
    """Print what is wrong; the exit code is 0 whenever it could look."""
    found: list[str] = []
    try:
        settings = load_settings()
        pod = profiles.load(settings.pods_folder, settings.pod)
        if settings.reports.own_sections:
            from homepot_ai.reporting import added

            for name in settings.reports.own_sections:
                try:
                    added.load((name,))
                except HomepotAIError as error:
                    found.append(str(error))
            if not found:
                added.load(settings.reports.own_sections)
        for own in pod.profile.deployments:
            found += wrong(own)
    except HomepotAIError as error:
        found.append(str(error))
    print(json.dumps(found))
    return 0


def wrong(own: OwnDeployment) -> Iterator[str]:
    """What of a deployment would only show when it runs."""
    from prefect import Flow

    module, _, name = own.entrypoint.rpartition(".")
    try:
        flow = getattr(importlib.import_module(module), name)
    except Exception as error:
        yield f"{own.name}: {own.entrypoint} cannot be loaded: {type(error).__name__}: {error}"
        return
    if not isinstance(flow, Flow):
        yield f"{own.name}: {own.entrypoint} is no flow: put @flow(name={own.name!r}) before it"
        return
    if flow.name != own.name:
        yield f"{own.name}: its flow is called {flow.name!r}; give both the same name"
    if flow.timeout_seconds is None:
        yield f"{own.name}: its flow has no timeout_seconds: one that hangs would hold its place for ever"
    try:
        flow.validate_parameters(dict(own.parameters))
    except Exception as error:
        yield f"{own.name}: its parameters do not fit: {error}"


if __name__ == "__main__":
    sys.exit(main())
