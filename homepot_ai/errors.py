"""Every error that this project raises on purpose.

    HomepotAIError
    ├── SettingsError             a setting is missing, unknown or contradicts another
    ├── DatabaseError
    │   ├── DatabaseUnreachable   nobody answers, or the login is refused
    │   ├── NotMigrated           our tables are missing or older than this program
    │   ├── DatabaseNewer         our tables were migrated by a newer program than this one
    │   └── SealError             a sealed address cannot be opened: its key is missing, or it was changed
    ├── FleetError
    │   ├── HomepotSchemaMissing  HOMEPOT's tables or columns are not there
    │   └── SampleError           the sample fleet cannot be loaded or replayed here
    ├── ScoringError
    │   ├── StateGone             a past minute is older than every kept state
    │   ├── StateMoved            another run advanced the state first
    │   ├── ShardsChanged         the state was made for another number of shards
    │   ├── BacktestError         a backtest's range or configuration cannot be tried
    │   └── MarkError             a verdict is incomplete or contradicts itself
    ├── IncidentError             something that this incident's state, or the request, does not allow
    ├── RecallError               memory cannot do what was asked
    │   ├── ModelMissing          an embedding model is not on this machine
    │   ├── IndexUnavailable      the vector index is missing, locked, damaged or of another version
    │   └── ActionError           an action cannot be recorded as it was given
    ├── PredictionError           a forecast, visit or outcome cannot be made or recorded as asked
    ├── ReportError               a report could not be made
    ├── MailError                 a mail could not be composed or sent
    ├── LanguageError             a prompt, lexicon or model's settings are wrong
    ├── QuestionError             a question cannot be taken as it is
    ├── BackupError               a backup cannot be made, read or restored
    │   ├── NoMeans               no room or no program for it on this machine
    │   └── ArchiveDamaged        an archive is cut off, altered, or none of ours
    ├── ArchiveError              what is old could not be archived, or an archive is not what it was
    ├── AccessError               a token is missing, unknown, expired or not enough
    └── NotFound                  a name or id that does not exist

Messages say what happened, to what, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class HomepotAIError(Exception):
    """Base of every error raised on purpose; its message is meant for an operator."""


class SettingsError(HomepotAIError):
    """A setting is missing, unknown or contradicts another."""


class DatabaseError(HomepotAIError):
    """Something about PostgreSQL itself."""


class DatabaseUnreachable(DatabaseError):
    """PostgreSQL does not answer, or refuses the login."""


class NotMigrated(DatabaseError):
    """Our tables are missing or older than this program: run `homepot-ai db upgrade`."""


class DatabaseNewer(DatabaseError):
    """Our tables were migrated by a newer program: this one would misread them, so it does nothing."""


class SealError(DatabaseError):
    """A sealed value cannot be opened or written: the key is missing or wrong, or the value was changed."""


class FleetError(HomepotAIError):
    """Something about HOMEPOT's own data."""


class HomepotSchemaMissing(FleetError):
    """HOMEPOT's tables or columns that are needed are not in the database."""


class SampleError(FleetError):
    """The sample fleet cannot be loaded, replayed or compared: the message says what is in the way."""


class ScoringError(HomepotAIError):
    """A minute could not be scored."""


class StateGone(ScoringError):
    """A past minute was asked for, but no state from before it is kept any more."""


class StateMoved(ScoringError):
    """Another run advanced the scoring state first; its result stands, ours is dropped."""


class ShardsChanged(ScoringError):
    """The state was made for another number of shards than the settings say: run `homepot-ai reshard`."""


class BacktestError(ScoringError):
    """A backtest's range or configuration cannot be tried: the message says what can."""


class MarkError(ScoringError):
    """A verdict on an anomaly is incomplete or contradicts itself: the message says what is missing."""


class IncidentError(HomepotAIError):
    """What was asked of an incident or a window cannot be done: the message says why, and what can."""


class RecallError(HomepotAIError):
    """Memory cannot do what was asked."""


class ModelMissing(RecallError):
    """An embedding model is not on this machine; models are never downloaded."""


class IndexUnavailable(RecallError):
    """The vector index is missing, locked, damaged or of another version: `homepot-ai memory rebuild`."""


class ActionError(RecallError):
    """An action cannot be recorded as it was given: the message says what is missing."""


class PredictionError(HomepotAIError):
    """A forecast, a visit or an outcome cannot be made or recorded as asked."""


class ReportError(HomepotAIError):
    """A report could not be made."""


class MailError(HomepotAIError):
    """A mail could not be composed or sent."""


class LanguageError(HomepotAIError):
    """A prompt, a lexicon or a model's settings are wrong; what a model does wrong is an outcome."""


class QuestionError(HomepotAIError):
    """A question cannot be taken as it is: the message says how to put it."""


class BackupError(HomepotAIError):
    """A backup cannot be made, read or restored; the last good one is where it was."""


class NoMeans(BackupError):
    """This machine has not what it takes, room or a program: that tells nothing of an archive."""


class ArchiveDamaged(BackupError):
    """An archive is cut off, altered, or none of ours: take another one, `homepot-ai backup list`."""


class ArchiveError(HomepotAIError):
    """What is old could not be archived, or an archive is not what it was: nothing was removed."""


class AccessError(HomepotAIError):
    """A token is missing, unknown, expired, or not enough for what was asked."""


class NotFound(HomepotAIError):
    """A name or id that does not exist.

    >>> str(NotFound("site", "Berln", ["Berlin", "Bern"]))
    "there is no site 'Berln'; did you mean: Berlin, Bern?"
    """

    def __init__(self, kind: str, asked: str, nearest: Sequence[str] = ()) -> None:
        self.kind, self.asked, self.nearest = kind, asked, tuple(nearest)
        hint = f"; did you mean: {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"there is no {kind} {asked!r}{hint}")
