"""What the window says, in plain words, as functions of the session: no drawing here."""

from __future__ import annotations

from recordings.schema import Driver, Outcome
from teleop.app.key_names import key_cap
from teleop.preferences.palette import DRIVERS, PAUSED, Colour
from teleop.session import Session
from teleop.studio.desk import Desk
from teleop.studio.phases import Order, Phase
from teleop.studio.questions import Question
from teleop.worlds.catalogue import ControlScheme

DRIVES: dict[Driver, str] = {
    Driver.HUMAN: "YOU DRIVE",
    Driver.STUDENT: "STUDENT DRIVES",
    Driver.SCRIPTED: "SCRIPTED EXPERT DRIVES",
    Driver.POLICY: "POLICY DRIVES",
    Driver.REPLAYED: "REPLAYED",
}
DROVE: dict[Driver, str] = {
    Driver.HUMAN: "person",
    Driver.STUDENT: "student",
    Driver.SCRIPTED: "scripted expert",
    Driver.POLICY: "policy",
    Driver.REPLAYED: "replayed start",
}
ENDED: dict[Outcome, str] = {
    Outcome.RUNNING: "running",
    Outcome.SUCCESS: "success",
    Outcome.FAILURE: "failure",
    Outcome.UNKNOWN: "ended early",
}


def driver_now(session: Session) -> Driver | None:
    """Who drives, or None while the world is paused."""
    match session.phase:
        case Phase.PAUSED:
            return None
        case Phase.STUDENT:
            return Driver.STUDENT
        case Phase.HUMAN:
            return expert_driver(session)


def expert_driver(session: Session) -> Driver:
    """As what the expert's steps are recorded."""
    return session.expert_driver


def who_drives(session: Session) -> tuple[str, Colour]:
    """The word over the world, and the colour of its frame."""
    driver = driver_now(session)
    return ("PAUSED", PAUSED) if driver is None else (DRIVES[driver], DRIVERS[driver])


def phase_word(session: Session) -> str:
    """The word over the world: who drives, or why nobody does."""
    if session.question is not None:
        return "ASKED AGAIN" if session.question.is_again else "THE STUDENT ASKS"
    if session.desk is not None:
        return "PAUSED: LOOKING BACK"
    return who_drives(session)[0]


def corrects(session: Session) -> bool:
    """Is there a student, or going to be one?"""
    return session.trainer is not None or session.student is not None


def person_drives(session: Session) -> bool:
    """Is the expert the person at the keyboard?"""
    return expert_driver(session) is Driver.HUMAN


def _key_of(session: Session, order: Order) -> str:
    """The key that gives an order, as it is drawn."""
    return next(key_cap(key) for key, bound in session.keys.items() if bound is order)


def phase_note(session: Session) -> str:
    """What the phase means here, beside the word."""
    if session.desk is not None:
        return f"episode {session.desk.episode.index}, step {session.desk.step} of {session.desk.length}"
    if session.question is not None and session.question.is_again:
        return "to see whether you agree with yourself"
    if not corrects(session):
        return "recording demonstrations"
    if session.phase is Phase.PAUSED:
        return "nobody drives, the world waits"
    if session.phase is Phase.STUDENT:
        return "every action is its own" if session.rules.label_student_states else "correct it when it errs"
    if session.student is None:
        return "teaching the first student"
    return "correcting the student"


def hint(session: Session, *, keyboard_lost: bool) -> str:
    """What to do now, in one sentence or two."""
    if session.question is not None:
        return _hint_when_asked(session, session.question)
    if session.desk is not None:
        return _hint_at_desk(session, session.desk)
    if session.phase is Phase.PAUSED:
        key = _key_of(session, Order.PAUSE)
        if keyboard_lost:
            return f"Click the world or press {key} to go on: the window had lost the keyboard."
        return f"Paused. Press {key} to go on."
    if not session.running and session.episodes:
        return f"Episode {session.episode}: {ENDED[session.outcome]}. The next one begins by itself."
    if session.phase is Phase.STUDENT:
        return _hint_while_the_student_drives(session)
    if not person_drives(session):
        return f"Watch: the expert shows how. {_key_of(session, Order.PAUSE)} pauses."
    return f"{_why_the_person_drives(session)}{_hint_to_drive(session)}"


def _hint_when_asked(session: Session, question: Question) -> str:
    if question.is_again:
        return f"You were here before. What would you do? Press {_drive_keys(session)}; TAB skips."
    takes_over = _key_of(session, Order.TAKE_OVER)
    return (
        f"What would you do here? Press {_drive_keys(session)}. TAB lets it go on, {takes_over} takes over."
    )


def _hint_at_desk(session: Session, desk: Desk) -> str:
    takes_over, close = _key_of(session, Order.TAKE_OVER), _key_of(session, Order.PAUSE)
    away = f"{takes_over} takes over here, {close} goes on."
    if desk.tick is None:
        return f"← steps back, ↑ goes to a state worth asking about. {away}"
    labels = " ".join(key_cap(key) for key in desk.label_keys)
    right = [f"{labels}: what is right here"] if labels else []
    right += ["ENTER if the student is right"] if desk.student_action is not None else []
    return f"{', '.join(right)}{'. ' * bool(right)}TAB skips. {away}"


def _hint_while_the_student_drives(session: Session) -> str:
    if not person_drives(session):
        return "Watch: the expert corrects the student where it errs."
    if session.rules.label_student_states:
        return "Hold the key you would press now: it teaches, it does not move. No key teaches nothing."
    match session.rules.takeover:
        case "hold":
            return f"Watch. Hold {_key_of(session, Order.TAKE_OVER)} to take over, release it to hand back."
        case "toggle":
            return (
                f"Watch. Press {_key_of(session, Order.TAKE_OVER)} to take over, press it again to hand back."
            )
        case "any-key":
            return "Watch. Press any drive key to take over."


def _why_the_person_drives(session: Session) -> str:
    if session.student is None:
        return ""
    if session.gate is not None:
        return "The student asks for help. "
    if session.rules.takeover == "hold":
        return f"Release {_key_of(session, Order.TAKE_OVER)} to hand back. "
    return f"Press {_key_of(session, Order.TAKE_OVER)} to hand back. "


def _hint_to_drive(session: Session) -> str:
    keys = _drive_keys(session)
    if session.world.steering is not None:
        return f"Hold {keys}: the wheel turns while you hold it, and comes back when you let go."
    match session.world.scheme:
        case ControlScheme.WAIT:
            return f"Press {keys}: the world waits for you."
        case ControlScheme.LATCH:
            if session.episode_length == 0:
                return f"Press {keys} to start; the last direction holds."
            return f"Press {keys}: the last direction holds until you press another."
        case ControlScheme.DEAD_MAN:
            return f"Hold {keys}: without a key the world waits."
        case ControlScheme.NO_OP:
            return f"Drive with {keys}; with no key held the world goes on by itself."


def _drive_keys(session: Session) -> str:
    names = list(session.world.keys)
    if {"up", "down", "left", "right"} <= set(names):
        return "an arrow key"
    return " or ".join(key_cap(name) for name in names[:2]) if len(names) <= 4 else "a drive key"


def age(seconds: float) -> str:
    """ "4 s", "3 min", "2 h"."""
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds / 60)} min" if seconds < 3600 else f"{int(seconds / 3600)} h"


def pace(steps_hz: float, times: float) -> str:
    """ "16 steps a second (2×)"."""
    return f"{steps_hz:.3g} steps a second ({times:g}×)"


def number(value: float) -> str:
    """A return: whole where it is whole, else with one digit; with a real minus sign."""
    text = f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
    return text.replace("-", "−")


def figure(value: float) -> str:
    """Any number, to two digits; with a real minus sign."""
    return f"{value:.2g}".replace("-", "−")
