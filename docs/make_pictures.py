"""Make the pictures of the window and of figures again: `python docs/make_pictures.py` (no display needed; a minute).

A scripted hand presses real keys in a hidden window and a student is trained between the ticks, so every picture
shows what a person would see. Figures are those of `train --plot`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import recordings  # noqa: E402
from docs.hand import PICTURES, Hand, make_small, scene_of  # noqa: E402
from learners import bc, mce_irl  # noqa: E402
from learners.evaluation import evaluate  # noqa: E402
from learners.interface import Snapshot  # noqa: E402
from learners.worlds import facts_of  # noqa: E402
from recordings.demonstrations import Demonstrations, load  # noqa: E402
from recordings.schema import Driver, Header, LabelKind, Outcome  # noqa: E402
from teleop import headless, plots  # noqa: E402
from teleop.app.actions import first_menu  # noqa: E402
from teleop.app.painters.choose import painter_for_replay  # noqa: E402
from teleop.app.recorded_world import world_of  # noqa: E402
from teleop.app.replay import ReplayScene  # noqa: E402
from teleop.app.window import Window  # noqa: E402
from teleop.clock import StepClock  # noqa: E402
from teleop.experts import scripted_expert  # noqa: E402
from teleop.finish import keep_policy  # noqa: E402
from teleop.preferences import settings  # noqa: E402
from teleop.start import CorrectSettings, RecordSettings, start_correction, start_recording  # noqa: E402
from teleop.studio.phases import Phase  # noqa: E402
from teleop.worlds.catalogue import find  # noqa: E402

FIGURE_PX = 1200
"""Width of a figure."""


def record(window: Window, folder: Path, world: str, episodes: Sequence[int]) -> None:
    """episodes: steps of each; all but the last are ended by a key if they have not ended by themselves."""
    clock = StepClock()
    settings = RecordSettings(find(world), folder / f"{world}.h5", seed=8, rest_s=1.0)
    session = start_recording(settings, clock)
    hand = Hand(window, scene_of(session, f"runs/{world}-1.h5"), clock)
    hand.frames()
    for index, steps in enumerate(episodes):
        hand.drive(session, steps)
        if index < len(episodes) - 1:
            hand.tap("n")
            hand.frames(70)
    hand.save("gridworld-record.png" if world == "gridworld" else f"{world}.png")
    hand.scene.leave()


def correct(window: Window, folder: Path) -> None:
    """Episodes that show the student the way, then its own driving, then a takeover."""
    clock = StepClock()
    settings = CorrectSettings(
        find("gridworld"), folder / "dagger.h5", seed=1, rest_s=1.0, training="inline", labels_per_fit=60
    )
    session = start_correction(settings, clock)
    hand = Hand(window, scene_of(session, "runs/gridworld-2.h5"), clock)
    hand.frames()
    hand.press("space")
    hand.drive(session, 1200)
    hand.let_go()
    hand.release("space")
    hand.tap("n")
    hand.frames(210)
    hand.press("space")
    if session.phase is not Phase.HUMAN:
        hand.press("space")
    hand.drive(session, 9)
    hand.save("gridworld-dagger.png")
    hand.scene.leave()


def learn(folder: Path) -> Path:
    """Figures of a reward recovered on GridWorld and of a clone on CartPole; returns the first one's policy file."""
    world, data = find("gridworld"), demonstrations(folder, "gridworld", 200)
    spec, config = world.spec(), mce_irl.Config(l2=1e-4, iterations=60)
    model = facts_of(spec).model
    assert model is not None
    found = mce_irl.recover(config, model, data, np.random.default_rng(0))
    curve = [(step, {"loss": loss}) for step, loss in enumerate(found.losses, 1)]
    snapshot = Snapshot(len(curve), found.stationary, reward=found.reward)
    draw("mce-irl", "gridworld", snapshot, curve, data, "learned-gridworld.png")
    policy = folder / "mce-irl.safetensors"
    keep_policy(found.stationary, policy, "mce-irl", world.env_id, reward=found.reward)
    world, data, curve = find("cartpole"), demonstrations(folder, "cartpole", 1), []
    rng = np.random.default_rng(0)
    for snapshot in bc.train(bc.Config(), data, world.spec(), rng, symmetry=world.mirror):
        curve.append((snapshot.step, dict(snapshot.metrics)))
    draw("bc", "cartpole", snapshot, curve, data, "learned-cartpole.png")
    return policy


def demonstrations(folder: Path, world: str, episodes: int) -> Demonstrations:
    path, clock = folder / f"{world}-scripted.h5", StepClock()
    session = start_recording(RecordSettings(find(world), path, driver="scripted", seed=3), clock)
    headless.run(session, clock, lambda done: done.episodes >= episodes)
    session.close()
    return load(path)


def draw(
    learner: str,
    world: str,
    snapshot: Snapshot,
    curve: Sequence[tuple[int, dict[str, float]]],
    data: Demonstrations,
    name: str,
) -> None:
    title, spec = find(world).title, find(world).spec()
    found = evaluate(snapshot.policy, spec)
    remark = f"return {found.return_mean:.2f}" + (" (exact)" if found.exact else "")
    plots.draw(plots.Lesson(learner, title, spec, snapshot, curve, data, remark), PICTURES / name, FIGURE_PX)
    make_small(PICTURES / name)


def follow(window: Window, folder: Path, policy: Path) -> None:
    """A student that follows a recovered reward drives, upon a map of that reward."""
    clock = StepClock()
    settings = CorrectSettings(
        find("gridworld"), folder / "follow.h5", seed=1, rest_s=1.0, training="inline", student=policy
    )
    hand = Hand(window, scene_of(start_correction(settings, clock), "runs/gridworld-3.h5"), clock)
    hand.frames(400)
    for _ in range(3):
        hand.tap("v")
    hand.save("gridworld-reward.png")
    hand.scene.leave()


def watch(window: Window, folder: Path) -> None:
    path, env = folder / "replay.h5", find("gridworld").make()
    expert, rng = scripted_expert(env), np.random.default_rng(2)
    with recordings.Recorder(path, Header.for_env(env, control_hz=8.0)) as recorder:
        for seed in range(6):
            _record_takeovers(recorder, env, expert, rng, seed)
    env.close()
    reader = recordings.open(path)
    world = world_of(reader.header)
    scene = ReplayScene(reader, world, painter_for_replay(world))
    hand = Hand(window, scene, StepClock())
    scene.show_episode(1)
    scene.show_step(round(scene.length * 0.6))
    hand.save("replay.png")
    scene.leave()


def _record_takeovers(recorder: object, env: object, expert: object, rng: object, seed: int) -> None:
    """One episode of a student that errs, and of a person who takes over for a while when it does."""
    observation, _ = env.reset(seed=seed)  # type: ignore[attr-defined]
    recorder.begin_episode(observation, seed=seed)  # type: ignore[attr-defined]
    ended, corrected_for = False, 0
    while not ended:
        right = expert.act(observation, 0)  # type: ignore[attr-defined]
        student = int(rng.integers(4)) if rng.random() < 0.08 else right  # type: ignore[attr-defined]
        corrected_for = 8 if student != right else corrected_for - 1
        driver = Driver.HUMAN if 0 <= corrected_for < 8 else Driver.STUDENT
        action = right if driver is Driver.HUMAN else student
        observation, reward, terminated, truncated, _ = env.step(action)  # type: ignore[attr-defined]
        step = recorder.step(  # type: ignore[attr-defined]
            action, float(reward), terminated, truncated, observation,
            driver=driver, student_action=student, student_version=seed + 3,
        )  # fmt: skip
        if driver is Driver.HUMAN:
            recorder.label(step, action, labeler="human", kind=LabelKind.TAKEOVER)  # type: ignore[attr-defined]
        ended = terminated or truncated
    recorder.end_episode(Outcome.SUCCESS)  # type: ignore[attr-defined]


def menu(window: Window, folder: Path) -> None:
    os.environ[settings.FOLDER_VARIABLE] = str(folder)
    settings.save(settings.Settings(answers={"task": "CORRECT"}))
    hand = Hand(window, first_menu(window, Path("runs")), StepClock())
    hand.frames()
    hand.tap("down", "down", "down", "down")
    hand.save("menu.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Window(hidden=True) as window:
        folder = Path(name)
        PICTURES.mkdir(parents=True, exist_ok=True)
        policy = learn(folder)
        record(window, folder, "gridworld", (35, 50, 40, 60, 40))
        record(window, folder, "cartpole", (60, 45, 110, 90, 140, 75))
        correct(window, folder)
        follow(window, folder, policy)
        watch(window, folder)
        menu(window, folder)
    print(f"made {', '.join(sorted(path.name for path in PICTURES.glob('*.png')))} in {PICTURES}")


if __name__ == "__main__":
    main()
