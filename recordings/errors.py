"""Everything that can go wrong and be told: one clear paragraph each, no traceback needed.

    UnderstudyError
    └── RecordingError
        ├── RecordingMissing      no such file, or it cannot be read
        ├── RecordingExists       a file is there already and nobody asked to continue it
        ├── RecordingBusy         another process is writing it
        ├── NotARecording         a file, but not one of ours
        │   ├── NewerFormat       ours, from a later version
        │   └── DamagedRecording  ours, but broken
        ├── UnreadableSource      what is to be imported is not what its format says, or not safe to read
        ├── WorldMismatch         the recording is of another world
        ├── DiskFull              nothing more fits; says where every step is
        ├── UnsupportedSpace      a space that has no fixed-size form
        ├── InvalidRow            the caller's step, label or edit does not fit the recording
        └── NotReplayable         the recording cannot be re-stepped (no seed, unknown world)

A message names the file, the field, what was expected, what was found, and the remedy.
"""

from __future__ import annotations


class UnderstudyError(Exception):
    """Base of every error that Understudy reports to a person."""


class RecordingError(UnderstudyError):
    """Something about a recording."""


class RecordingMissing(RecordingError):
    """There is no such file, or it cannot be read."""


class RecordingExists(RecordingError):
    """A file is already there; it is never overwritten."""


class RecordingBusy(RecordingError):
    """Another process is writing this recording."""


class NotARecording(RecordingError):
    """The file is not a recording of Understudy."""


class NewerFormat(NotARecording):
    """The file was written in a later format."""


class DamagedRecording(NotARecording):
    """The file is a recording, but its contents contradict its format."""


class UnreadableSource(RecordingError):
    """What is to be imported contradicts its format, or cannot be read safely."""


class WorldMismatch(RecordingError):
    """The recording was made in another world than the one asked for."""


class DiskFull(RecordingError):
    """No space is left; `emergency` names the file holding what could not be saved in place, if any."""

    def __init__(self, message: str, emergency: str | None = None) -> None:
        super().__init__(message)
        self.emergency = emergency


class UnsupportedSpace(RecordingError):
    """The space has no fixed-size form, so it cannot be a column."""


class InvalidRow(RecordingError):
    """A step, label or edit that does not fit the recording: wrong shape, wrong order, no such step."""


class NotReplayable(RecordingError):
    """The recording cannot be re-stepped: an episode without a seed, or a world that cannot be made."""
