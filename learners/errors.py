"""What a learner can report to a person: one clear paragraph each."""

from __future__ import annotations

from recordings.errors import UnderstudyError


class LearnerError(UnderstudyError):
    """Base of what goes wrong in training, evaluating, saving or loading a policy."""


class UnknownLearnerError(LearnerError):
    """No learner has this name."""


class PolicyFileError(LearnerError):
    """A policy file is missing, damaged, or not ours."""


class NothingToLearnError(LearnerError):
    """The demonstrations hold no labelled step, or do not fit the student."""


class UnsupportedWorldError(LearnerError):
    """The learner cannot work in this world: its spaces, or what it can tell of itself."""


class CodeNotTrustedError(LearnerError):
    """Loading would run code that came with the policy, and nobody said that it may."""


class ForeignPolicyError(LearnerError):
    """A policy from elsewhere does not fit the world, or answers with what is no action."""


class MissingExtraError(LearnerError):
    """An optional package is needed, and not installed."""


class SettingError(LearnerError):
    """A setting has a value that makes no sense."""
