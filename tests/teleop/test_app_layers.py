"""What is laid over GridWorld's map: which layers there are, what they say, and that a key changes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import recordings
from learners.checkpoint import save
from learners.errors import UnsupportedWorldError
from learners.policies import Architecture, NetworkPolicy, policy_from
from recordings.schema import Driver, Header, Outcome
from teleop.app.painters import gridworld
from teleop.app.painters.board import Board
from teleop.app.painters.choose import layer_keys, legend_of, painter_for_replay, show_layer
from teleop.app.painters.layers import Layer, laid_over, layers_of
from teleop.app.painters.looks import LEVELS, Look
from teleop.app.painters.view import LayeredPainter, View
from teleop.app.replay import ReplayScene
from teleop.app.watch import watch
from teleop.app.window import Window
from teleop.clock import SECOND_NS, StepClock
from teleop.preferences.look import Look as WindowLook
from teleop.preferences.look import put_on
from teleop.preferences.palette import DRIVERS, OUTCOMES
from teleop.preferences.palettes import PALETTES, Palette
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD
from teleop.worlds.gridworld_map import GridWorldMap, map_with
from tests.teleop.app_pilot import Pilot, correction_session, drive, recording_session

DOWN, RIGHT = 1, 3


def small_map() -> GridWorldMap:
    """Three by three, the middle costs."""
    return map_with(np.arange(9) == 4)


def table(world: GridWorldMap | None = None, action: int = RIGHT) -> NetworkPolicy:
    """Always `action`: certain in the even states, the odd ones let the one before them answer."""
    n = 2500 if world is None else world.n_cells
    spaces = GRIDWORLD.make()
    architecture = Architecture(type(spaces.observation_space)(n), spaces.action_space)  # type: ignore[call-arg]
    spaces.close()
    outputs = np.zeros((n, 4), np.float32)
    outputs[:, action] = 20.0
    states = np.arange(n)
    return policy_from(architecture, {"outputs": outputs, "stand_in": states - states % 2})


def view_of(policy: NetworkPolicy | None, **more: object) -> View:
    return View(observation=0, policy=policy, version=1, **more)  # type: ignore[arg-type]


def test_a_layer_for_everything_that_is_known_of_the_student() -> None:
    policy = table(small_map())
    assert layers_of(view_of(None)) == ()
    plain = (Layer.POLICY, Layer.CONFIDENCE, Layer.EXPECTED, Layer.NOTHING)
    assert layers_of(view_of(policy)) == plain
    assert Layer.REWARD in layers_of(view_of(policy, reward=np.zeros(9)))


def test_confidence_tints_what_was_taught_alone() -> None:
    world = small_map()
    overlay = laid_over(Layer.CONFIDENCE, view_of(table(world)), world.tabular_model())
    assert overlay.codes.tolist() == [LEVELS, 0] * 4 + [LEVELS]
    legend = overlay.legend
    assert legend is not None
    assert (legend.caption, legend.low, legend.high) == ("confidence", "guess", "sure")


def test_visits_are_those_of_whole_episodes() -> None:
    """Always right: everybody ends at the right border and bumps on; none of the left column is entered."""
    world = small_map()
    overlay = laid_over(Layer.EXPECTED, view_of(table(world)), world.tabular_model(horizon=50))
    grid = overlay.codes.reshape(3, 3)
    assert (grid[:2, 2] == grid.max()).all()
    assert (grid[:, 0] < grid[:, 2]).all()
    assert grid[1, 1] == grid[1, 0]  # passed through once by who starts to the left of it


def looks(layer: Layer, view: View) -> list[Look]:
    """How each cell of the small map looks."""
    overlay = laid_over(layer, view, small_map().tabular_model())
    return [overlay.looks[code] for code in overlay.codes]


def legend(layer: Layer, view: View) -> tuple[str, str]:
    found = laid_over(layer, view, small_map().tabular_model()).legend
    assert found is not None
    return found.low, found.high


def test_rewards_are_tinted_by_their_sign() -> None:
    policy, reward = table(small_map()), np.zeros(9)
    reward[3], reward[5] = -2.0, 2.0
    found = looks(Layer.REWARD, view_of(policy, reward=reward))
    assert (found[3].tint, found[5].tint) == (DRIVERS[Driver.HUMAN], DRIVERS[Driver.STUDENT])
    assert len(set(found)) == 3
    assert legend(Layer.REWARD, view_of(policy, reward=reward)) == ("−2", "2")
    by_action = np.repeat(reward[:, None], 4, axis=1) - [0.0, 1.0, 2.0, 3.0]
    assert looks(Layer.REWARD, view_of(policy, reward=by_action)) == found  # the best action's counts


def directions(found: list[Look]) -> list[int | None]:
    return [None if look.arrow is None else look.arrow.direction for look in found]


def test_labels_are_arrows_where_they_were_given_alone() -> None:
    view = view_of(None, labels={2: DOWN, 7: RIGHT})
    assert layers_of(view) == (Layer.LABELLED, Layer.NOTHING)
    assert directions(looks(Layer.LABELLED, view)) == [None, None, DOWN, *[None] * 4, RIGHT, None]
    assert legend(Layer.LABELLED, view)[1] == "2 cells"


def test_disagreement_tells_where_the_student_now_differs_from_the_label() -> None:
    view = view_of(table(small_map(), action=RIGHT), labels={2: DOWN, 4: RIGHT, 7: RIGHT})
    assert {Layer.LABELLED, Layer.DISAGREEMENT} <= set(layers_of(view))
    found = looks(Layer.DISAGREEMENT, view)
    assert directions(found) == [None, None, DOWN, None, RIGHT, None, None, RIGHT, None]
    assert found[4].tint == found[7].tint == DRIVERS[Driver.STUDENT]
    assert found[2].tint == OUTCOMES[Outcome.FAILURE]
    assert legend(Layer.DISAGREEMENT, view) == ("same 2", "differ 1")


def test_visited_cells_are_brighter_the_more_often_anybody_came() -> None:
    view = view_of(None, visited=np.array([0, 1, 10, 100, 0, 0, 0, 0, 0]))
    assert layers_of(view) == (Layer.VISITED, Layer.NOTHING)
    shares = [look.share for look in looks(Layer.VISITED, view)]
    assert 0 == shares[0] < shares[1] < shares[2] < shares[3]
    assert legend(Layer.VISITED, view) == ("once", "100 times")


@pytest.fixture
def worn(request: pytest.FixtureRequest) -> Iterator[Palette]:
    put_on(WindowLook(request.param))
    yield request.param
    put_on(WindowLook())


@pytest.mark.parametrize("worn", PALETTES, indirect=True, ids=lambda palette: palette.name)
def test_the_map_wears_the_palette_in_use(worn: Palette) -> None:
    picture = Board(small_map(), 4).picture  # cells of four pixels, the middle one costs
    assert picture.get_at((1, 1))[:3] == worn.free
    assert picture.get_at((5, 5))[:3] == worn.penalty


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def window(clock: StepClock) -> Iterator[Window]:
    """Its frames go by the step clock, too."""
    with Window(hidden=True, now_s=lambda: clock.now_ns() / SECOND_NS) as window:
        yield window


def caption(pilot: Pilot) -> str:
    legend = pilot.scene._painter.legend  # type: ignore[attr-defined]
    return "" if legend is None else str(legend.caption)


def test_a_key_goes_through_the_layers_and_the_world_takes_no_step(
    window: Window, clock: StepClock, tmp_path: Path
) -> None:
    session = correction_session("gridworld", tmp_path / "d.h5", clock)
    session.adopt(StudentVersion(table(), version=0, reward=np.linspace(-1, 1, 2500)))
    pilot = drive(window, session, clock)
    pilot.tap("p")
    steps, pictures, captions = session.recorder.steps, [], []
    for _ in range(5):
        pilot.frames()
        captions.append(caption(pilot))
        pictures.append(pilot.picture()[30:700, 70:700])
        pilot.tap("v")
    assert captions == ["policy", "confidence", "visits an episode", "recovered reward", ""]
    assert len({picture.tobytes() for picture in pictures}) == 5
    pilot.frames()
    assert np.array_equal(pilot.picture()[30:700, 70:700], pictures[0])
    pilot.tap("c")
    pilot.frames()
    assert np.array_equal(pilot.picture()[30:700, 70:700], pictures[-1])
    assert session.recorder.steps == steps
    pilot.scene.leave()


def test_another_key_goes_back(window: Window) -> None:
    painter = painter_for_replay(GRIDWORLD)
    assert isinstance(painter, LayeredPainter)
    view, area = view_of(table()), window.surface.get_rect()
    seen = []
    for step in (-1, -1, 1, 1):
        painter.draw(window.surface, area, view, 0.0)
        show_layer(painter, step)
        painter.draw(window.surface, area, view, 0.0)
        seen.append(legend_of(painter).caption if legend_of(painter) else "")  # type: ignore[union-attr]
    assert seen == ["", "visits an episode", "", "policy"]


def test_a_layer_is_made_once_a_student(
    window: Window, clock: StepClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Layer] = []

    def counted(layer: Layer, *rest: object) -> object:
        made.append(layer)
        return laid_over(layer, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(gridworld, "laid_over", counted)
    session = correction_session("gridworld", tmp_path / "d.h5", clock, gate="human")
    session.adopt(StudentVersion(table(), version=0))
    pilot = drive(window, session, clock)
    pilot.tap("v", "v")
    pilot.seconds(2.0)
    assert session.recorder.steps > 5
    assert made == [Layer.POLICY, Layer.CONFIDENCE, Layer.EXPECTED]
    for version in range(1, 13):  # one a frame for 0.2 s
        session.adopt(StudentVersion(table(action=DOWN), version=version))
        pilot.frames()
    pilot.seconds(0.5)
    assert made[3:] == [Layer.EXPECTED] * 2, (
        "no more than four pictures a second, and the last student's in the end"
    )
    pilot.scene.leave()


def test_a_reward_goes_when_another_student_comes(window: Window, clock: StepClock, tmp_path: Path) -> None:
    session = correction_session("gridworld", tmp_path / "d.h5", clock)
    session.adopt(StudentVersion(table(), version=0, reward=np.ones(2500)))
    pilot = drive(window, session, clock)
    pilot.tap("v", "v", "v")
    assert caption(pilot) == "recovered reward"
    session.adopt(StudentVersion(table(), version=1))
    pilot.frames()
    assert caption(pilot) == "policy"
    pilot.scene.leave()


def test_there_is_nothing_to_change_while_demonstrations_are_recorded(
    window: Window, clock: StepClock, tmp_path: Path
) -> None:
    pilot = drive(window, recording_session("gridworld", tmp_path / "g.h5", clock), clock)
    before = pilot.picture()
    pilot.tap("v")
    pilot.frames()
    assert np.array_equal(before, pilot.picture())
    pilot.scene.leave()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """One GridWorld episode of three steps down."""
    path, env = tmp_path / "down.h5", GRIDWORLD.make()
    with recordings.Recorder(path, Header.for_env(env, control_hz=8.0)) as recorder:
        recorder.begin_episode(env.reset(seed=3)[0], seed=3)
        for _ in range(3):
            after, reward, terminated, truncated, _ = env.step(DOWN)
            recorder.step(DOWN, float(reward), terminated, truncated, after, driver=Driver.SCRIPTED)
        recorder.end_episode(Outcome.FAILURE)
    env.close()
    return path


def test_a_replay_shows_what_a_policy_would_have_done(window: Window, recording: Path) -> None:
    reader = recordings.open(recording)
    student = StudentVersion(table(), version=0, reward=np.ones(2500))
    scene = ReplayScene(reader, GRIDWORLD, painter_for_replay(GRIDWORLD), student=student)
    pilot = Pilot(window, scene, StepClock())
    pilot.frames()
    assert caption(pilot) == "policy"
    about = {name: value for name, value, _ in scene.about}
    assert (about["executed"], about["student would"]) == ("down", "right")
    pilot.tap("v", "v", "v")
    assert caption(pilot) == "recovered reward"
    scene.leave()


def test_a_replay_refuses_a_policy_of_another_world(recording: Path, tmp_path: Path) -> None:
    env = CARTPOLE.make()
    architecture = Architecture(env.observation_space, env.action_space)
    env.close()
    ones = {name: np.ones(shape, np.float32) for name, shape in architecture.shapes().items()}
    save(policy_from(architecture, ones), tmp_path / "cart.safetensors")
    with pytest.raises(UnsupportedWorldError, match="observation_space"):
        watch(recording, policy=tmp_path / "cart.safetensors", hidden=True)


def test_the_world_s_own_keys_come_first() -> None:
    painter = painter_for_replay(GRIDWORLD)
    assert layer_keys(painter, GRIDWORLD) == ("c", "v")
    assert layer_keys(painter, dataclasses.replace(GRIDWORLD, keys={"v": 0})) == ("c", "f5")
    assert layer_keys(painter_for_replay(CARTPOLE), CARTPOLE) is None
