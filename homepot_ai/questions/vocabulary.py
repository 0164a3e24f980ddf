"""The real names that a question may say, made ready for finding them in a text."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from homepot_ai.questions.mentions import Names
from homepot_ai.questions.resolve import Directory

_KEPT = 32
_kept: OrderedDict[int, tuple[Directory, Names]] = OrderedDict()
_lock = Lock()


def names_of(known: Directory) -> Names:
    """The names and public ids of devices and sites that an asker may know.

    A directory's are made once: half a second for 50 000 names.
    """
    with _lock:
        found = _kept.get(id(known))
        # The directory is kept beside its names, so that its number is nobody else's.
        if found is not None and found[0] is known:
            return found[1]
    names = Names.of(
        devices=(text for entry in known.devices.entries for text in (entry.name, entry.public)),
        sites=(text for entry in known.sites.entries for text in (entry.name, entry.public)),
    )
    with _lock:
        _kept[id(known)] = (known, names)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return names
