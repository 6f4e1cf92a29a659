"""Policies in ONNX files: arithmetic on what they hold, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from learners import elsewhere
from learners.elsewhere import Spaces, onnx_file
from learners.errors import ForeignPolicyError, PolicyFileError
from learners.interface import DiscretePolicy, Policy
from tests.learners import onnx_writer as onnx

WEIGHTS = np.array([[-1, 1], [-2, 2], [-8, 8], [-4, 4]], np.float32)
CARTPOLE = Spaces(gym.spaces.Box(-5, 5, (4,)), gym.spaces.Discrete(2))
STEERED = Spaces(gym.spaces.Box(-5, 5, (4,)), gym.spaces.Box(-1, 1, (2,)))
STATES = Spaces(gym.spaces.Discrete(4), gym.spaces.Discrete(2))


def loaded(path: Path, content: bytes, spaces: Spaces = CARTPOLE) -> Policy:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    path = path / "policy.onnx"
    path.write_bytes(content)
    return elsewhere.load(str(path), spaces).policy()


def test_logits_become_the_best_action_and_chances(tmp_path: Path) -> None:
    policy = loaded(tmp_path, onnx.linear(WEIGHTS))
    observations = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    logits = observations @ WEIGHTS
    assert np.array_equal(policy.act(observations), logits.argmax(1))
    assert isinstance(policy, DiscretePolicy)
    odds = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    assert np.allclose(policy.probabilities(observations)[:, 1], odds, atol=1e-6)
    drawn = policy.act(np.zeros((2000, 4), np.float32), np.random.default_rng(0))
    assert 0.45 < drawn.mean() < 0.55


def test_a_file_for_one_row_answers_for_many(tmp_path: Path) -> None:
    observations = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    one, many = loaded(tmp_path, onnx.linear(WEIGHTS, rows=1)), loaded(tmp_path, onnx.linear(WEIGHTS))
    assert np.array_equal(one.act(observations), many.act(observations))


def test_numbers_of_a_box_are_clipped_to_it(tmp_path: Path) -> None:
    policy = loaded(tmp_path, onnx.linear(WEIGHTS, output="actions"), STEERED)
    assert policy.act(np.array([[0.5, 0, 0, 0], [9, 0, 0, 0]])).tolist() == [[-0.5, 0.5], [-1, 1]]


def test_states_are_shown_as_a_one_among_noughts(tmp_path: Path) -> None:
    policy = loaded(tmp_path, onnx.linear(np.array([[1, 0], [0, 1], [1, 0], [0, 1]])), STATES)
    assert policy.act(np.arange(4)).tolist() == [0, 1, 0, 1]


def test_the_name_in_a_recording_tells_the_file(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    labels = []
    for scale in (1, 2):
        (tmp_path / "policy.onnx").write_bytes(onnx.linear(scale * WEIGHTS))
        labels.append(elsewhere.load(str(tmp_path / "policy.onnx"), CARTPOLE).label)
    assert len(set(labels)) == 2
    assert all(label.startswith("policy.onnx#") and len(label) == 24 for label in labels)


def test_it_cannot_be_taught(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    (tmp_path / "policy.onnx").write_bytes(onnx.linear(WEIGHTS))
    with pytest.raises(ForeignPolicyError, match=r"can be taught.*--training never"):
        elsewhere.load(str(tmp_path / "policy.onnx"), CARTPOLE).trainable()


@pytest.mark.parametrize("spaces", [STEERED, STATES, Spaces(gym.spaces.Box(-5, 5, (3,)), CARTPOLE.action)])
@pytest.mark.parametrize("columns", [1, 3])
def test_a_policy_for_another_world_is_refused_before_it_drives(
    tmp_path: Path, spaces: Spaces, columns: int
) -> None:
    with pytest.raises(ForeignPolicyError, match=r"policy\.onnx: .*expected .*found"):
        loaded(tmp_path, onnx.linear(np.ones((4, columns)), output="y"), spaces)


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for spaces in (CARTPOLE, STEERED):
        with pytest.raises(ForeignPolicyError, match="expected finite numbers"):
            loaded(tmp_path, onnx.linear(np.full((4, 2), np.nan), output="y"), spaces)


def test_answers_that_become_no_numbers_are_refused_then(tmp_path: Path) -> None:
    policy = loaded(tmp_path, onnx.linear(WEIGHTS))
    with pytest.raises(ForeignPolicyError, match="expected finite numbers"):
        policy.act(np.full((1, 4), np.inf))


def test_probabilities_must_be_some(tmp_path: Path) -> None:
    with pytest.raises(ForeignPolicyError, match="whose rows sum to 1"):
        loaded(tmp_path, onnx.linear(WEIGHTS, output="probabilities"))


def test_memory_without_end_is_refused(tmp_path: Path) -> None:
    """A file of two hundred bytes that asks for 160 GB."""
    shape = onnx.attribute("value", of=onnx.tensor("s", np.array([200_000, 200_000])))
    nodes = [
        onnx.node("Constant", [], "s", shape),
        onnx.node("ConstantOfShape", ["s"], "much"),
        onnx.node("ReduceSum", ["much"], "sum", onnx.attribute("keepdims", integer=0)),
        onnx.node("Add", ["obs", "sum"], "y"),
    ]
    bomb = onnx.model(onnx.graph(nodes, [onnx.value("obs", ["N", 4])], [onnx.value("y", ["N", 4])]))
    with pytest.raises(ForeignPolicyError, match=r"policy\.onnx: acting: "):
        loaded(tmp_path, bomb)


@pytest.mark.parametrize("name", [b"obs", b"N", b"logits", b"MatMul"])
def test_names_that_are_no_text_are_refused_quietly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: bytes
) -> None:
    """Standard output belongs to --json; onnxruntime would write its own story there."""
    content = onnx.linear(WEIGHTS).replace(name, name[:-1] + b"\xff")
    with pytest.raises((PolicyFileError, ForeignPolicyError)):
        loaded(tmp_path, content)
    assert capfd.readouterr() == ("", "")


def test_an_answer_that_takes_too_long_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of products, of which none ends by itself before the limit is looked at."""
    monkeypatch.setattr("learners.elsewhere.onnx_policy.MOST_SECONDS", 0.01)
    shape = onnx.attribute("value", of=onnx.tensor("s", np.array([1500, 1500])))
    products = [onnx.node("MatMul", [f"m{i}", "m0"], f"m{i + 1}") for i in range(500)]
    nodes = [
        onnx.node("Constant", [], "s", shape),
        onnx.node("ConstantOfShape", ["s"], "m0"),
        *products,
        onnx.node("ReduceSum", ["m500"], "sum", onnx.attribute("keepdims", integer=0)),
        onnx.node("Add", ["obs", "sum"], "y"),
    ]
    endless = onnx.model(onnx.graph(nodes, [onnx.value("obs", ["N", 4])], [onnx.value("y", ["N", 4])]))
    with pytest.raises(ForeignPolicyError, match=r"policy\.onnx: acting: .*terminate"):
        loaded(tmp_path, endless)


# -- what is refused before anything runs it: needs no onnxruntime ---------------------------------------------


def _external(location: str) -> bytes:
    return onnx.linear(WEIGHTS, tensors=[onnx.external("W", (4, 2), location)])


def _nested(inner: bytes) -> bytes:
    """In a branch of an If, where it is easily overlooked."""
    branch = onnx.graph([inner], [], [onnx.value("y", ["N", 2])])
    choice = onnx.node("If", ["c"], "y", onnx.attribute("then_branch", graph=branch))
    return onnx.model(onnx.graph([choice], [onnx.value("obs", ["N", 4])], [onnx.value("y", ["N", 2])]))


HOSTILE: dict[str, tuple[bytes, str]] = {
    "another file": (_external("weights.bin"), "found some in another file"),
    "a file outside": (_external("../../../etc/passwd"), "found some in another file"),
    "a file named, and said to be inside": (
        onnx.linear(WEIGHTS, tensors=[onnx.tensor("W", WEIGHTS, onnx.field(13, onnx.field(1, "location")))]),
        "found some in another file",
    ),
    "a constant elsewhere": (
        onnx.model(
            onnx.graph(
                [onnx.node("Constant", [], "y", onnx.attribute("value", of=onnx.external("", (1,), "x")))],
                [],
                [],
            )
        ),
        "found some in another file",
    ),
    "another library": (_nested(onnx.node("Evil", [], "y", domain="my.ops")), "found one of 'my.ops'"),
    "an endless loop": (_nested(onnx.node("Loop", [], "y")), "found Loop or Scan"),
    "functions": (
        onnx.model(onnx.graph([], [], []), onnx.field(25, onnx.field(1, "f"))),
        "found one of its own",
    ),
    "onnxruntime's own format": (b"\x00\x00\x00\x00ORTM" + bytes(50), "in the format of onnxruntime"),
    "nothing": (b"", "no graph in it"),
    "text": (b"import os; os.system('true')", "expected an ONNX file"),
    "cut short": (onnx.linear(WEIGHTS)[:-20], "expected an ONNX file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_asks_for_more_than_arithmetic_is_refused_unrun(case: str) -> None:
    content, words = HOSTILE[case]
    with pytest.raises(PolicyFileError, match=words):
        onnx_file.check(content, "policy.onnx")


def test_graphs_without_end_are_refused() -> None:
    inside = onnx.graph([], [], [])
    for _ in range(40):
        inside = onnx.graph([onnx.node("If", ["c"], "y", onnx.attribute("b", graph=inside))], [], [])
    with pytest.raises(PolicyFileError, match="deeper"):
        onnx_file.check(onnx.model(inside), "policy.onnx")


@pytest.mark.parametrize("seed", range(20))
def test_mutations_are_refused_or_read(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    rng = np.random.default_rng(seed)
    sound = onnx.linear(WEIGHTS)
    for _ in range(20):
        content = bytearray(sound)
        for place in rng.integers(len(sound), size=int(rng.integers(1, 4))):
            content[place] = rng.integers(256)
        with contextlib.suppress(PolicyFileError, ForeignPolicyError):
            loaded(tmp_path, bytes(content))
