"""Policies that are programs, TorchScript and Python: run only with leave, and held to their word."""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from learners import elsewhere
from learners.elsewhere import Spaces, form_of
from learners.errors import CodeNotTrustedError, ForeignPolicyError, MissingExtraError, PolicyFileError
from learners.interface import DiscretePolicy
from tests.learners import onnx_writer as onnx

CARTPOLE = Spaces(gym.spaces.Box(-5, 5, (4,)), gym.spaces.Discrete(2))
STEERED = Spaces(gym.spaces.Box(-5, 5, (4,)), gym.spaces.Box(-1, 1, (2,)))
STATES = Spaces(gym.spaces.Discrete(4), gym.spaces.Discrete(2))
OBSERVATIONS = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)


def test_a_name_says_what_it_is() -> None:
    forms = {
        "a/b.onnx": "onnx", "B.ONNX": "onnx", "x.zip": "sb3", "x.pt": "torchscript", "x.pth": "torchscript",
        "mine:make": "python", "my.own.module:make": "python",
        "scripted": None, "human": None, "ppo": None, "a.safetensors": None, "a/b:c": None, "C:clone.safetensors": None,
        "C:\\runs\\clone": None, "a:b:c": None, "mine:": None, "1a:b": None, "a..b:c": None,
    }  # fmt: skip
    assert {name: form_of(name) for name in forms} == forms


# -- TorchScript ----------------------------------------------------------------------------------------------------


class Linear(torch.nn.Module):
    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("weight", scale * torch.tensor([[-1.0, 1], [-2, 2], [-8, 8], [-4, 4]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class OfStates(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x % 2


class Fails(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[0] > 0:
            raise ValueError("not today")
        return x


def script(path: Path, module: torch.nn.Module) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))  # type: ignore[no-untyped-call]
    return str(path)


def test_torchscript_needs_leave(tmp_path: Path) -> None:
    with pytest.raises(CodeNotTrustedError, match=r"p\.pt: --trust-code: .*holds a program.*Or export.*ONNX"):
        elsewhere.load(script(tmp_path / "p.pt", Linear()), CARTPOLE)


def test_torchscript_acts(tmp_path: Path) -> None:
    name = script(tmp_path / "p.pt", Linear())
    policy = elsewhere.load(name, CARTPOLE, trust_code=True).policy()
    assert isinstance(policy, DiscretePolicy)
    assert np.array_equal(policy.act(OBSERVATIONS), OBSERVATIONS @ [-1, -2, -8, -4] < 0)
    steered = elsewhere.load(name, STEERED, trust_code=True).policy().act(OBSERVATIONS)
    assert np.allclose(steered[:, 1], np.clip(OBSERVATIONS @ [1, 2, 8, 4], -1, 1), atol=1e-5)
    states = elsewhere.load(script(tmp_path / "s.pt", OfStates()), STATES, trust_code=True).policy()
    assert states.act(np.arange(4)).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Linear(float("nan")), "expected finite numbers"),
        (Fails(), "acting: expected it to go through, found .*not today"),
        (OfStates(), "expected a number for each action"),
    ],
)
def test_torchscript_that_answers_wrongly_is_refused(tmp_path: Path, module: Any, words: str) -> None:
    with pytest.raises(ForeignPolicyError, match=words) as found:
        elsewhere.load(script(tmp_path / "p.pt", module), CARTPOLE, trust_code=True)
    assert "\n" not in str(found.value)


def test_a_pickled_network_is_refused_with_leave_too(tmp_path: Path) -> None:
    torch.save(Linear().state_dict(), tmp_path / "p.pt")
    with pytest.raises(PolicyFileError, match=r"found what torch\.save pickled.*torch\.onnx\.export"):
        elsewhere.load(str(tmp_path / "p.pt"), CARTPOLE, trust_code=True)
    (tmp_path / "p.pt").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(PolicyFileError, match="expected a whole zip archive"):
        elsewhere.load(str(tmp_path / "p.pt"), CARTPOLE, trust_code=True)


# -- Python functions -------------------------------------------------------------------------------------------------

MODULE = """
import pathlib
pathlib.Path(__file__).with_suffix(".ran").touch()

class Expert:
    def act(self, observation, tick):
        return None if tick == 3 else int(observation[2] > 0)

class Policy:
    def act(self, observations, rng=None):
        return (observations[:, 2] > 0).astype(int)

class Wrong(Expert):
    def act(self, observation, tick):
        return [7, float("nan"), "left"][tick]

class Unclear:
    def act(self, one, other):
        return 0

def of_world(world):
    assert world.id == "CartPole-v1"
    return Expert()

def fails():
    raise RuntimeError("not\\ntoday")

def nobody():
    return 3

number = 7
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module of somebody's in the current folder, which leaves a file where it is imported."""
    (tmp_path / "their_experts.py").write_text(MODULE)
    (tmp_path / "broken_experts.py").write_text("import nothing_of_this_name\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path / "their_experts.py"
    for name in ("their_experts", "broken_experts"):
        sys.modules.pop(name, None)


def test_a_module_is_not_even_imported_without_leave(module: Path) -> None:
    with pytest.raises(
        CodeNotTrustedError, match=r"import the Python module their_experts and call Expert\(\)"
    ):
        elsewhere.load("their_experts:Expert", CARTPOLE)
    assert not module.with_suffix(".ran").exists()


def test_an_expert_and_a_policy_are_told_apart(module: Path) -> None:
    expert = elsewhere.load("their_experts:Expert", CARTPOLE, trust_code=True)
    policy = elsewhere.load("their_experts:Policy", CARTPOLE, trust_code=True)
    assert module.with_suffix(".ran").exists()
    assert (
        [expert.actor.act(OBSERVATIONS[i], i) for i in range(4)]
        == [  # type: ignore[arg-type]
            *(int(row[2] > 0) for row in OBSERVATIONS[:3]),
            None,
        ]
    )
    assert np.array_equal(policy.policy().act(OBSERVATIONS), OBSERVATIONS[:, 2] > 0)
    assert policy.label.startswith("their_experts:Policy#")
    for guest in (expert, policy):
        with pytest.raises(ForeignPolicyError):
            guest.trainable()


def test_a_function_may_ask_for_the_world(module: Path) -> None:
    world = gym.spec("CartPole-v1")
    guest = elsewhere.load("their_experts:of_world", CARTPOLE, world, trust_code=True)
    assert guest.actor.act(OBSERVATIONS[0], 0) == int(OBSERVATIONS[0, 2] > 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("their_experts:nothing", "expected a function nothing in their_experts, found nothing of that name"),
        ("their_experts:number", "found int"),
        ("their_experts:nobody", "expected an object with act.*found int"),
        ("their_experts:Unclear", "found Unclear whose act's second argument is other"),
        ("their_experts:fails", r"calling it: .*RuntimeError: not today \(.*their_experts.py:26\)"),
        ("no_such_experts:make", "expected the Python module no_such_experts, found none"),
        ("broken_experts:make", "importing: .*No module named 'nothing_of_this_name'"),
    ],
)
def test_what_cannot_be_had_is_one_paragraph(module: Path, name: str, words: str) -> None:
    with pytest.raises(ForeignPolicyError, match=words) as found:
        elsewhere.load(name, CARTPOLE, trust_code=True)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("tick", range(3))
def test_what_is_no_action_is_refused(module: Path, tick: int) -> None:
    expert = elsewhere.load("their_experts:Wrong", CARTPOLE, trust_code=True).actor
    with pytest.raises(ForeignPolicyError, match="its answer: expected whole numbers from 0 to 1, found"):
        expert.act(OBSERVATIONS[0], tick)  # type: ignore[arg-type]


# -- extras that are not installed ------------------------------------------------------------------------------------


def test_without_onnxruntime_one_is_told_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "p.onnx").write_bytes(onnx.linear(np.ones((4, 2))))
    with pytest.raises(MissingExtraError, match=r'p\.onnx: .*pip install "understudy\[onnx\]"'):
        elsewhere.load(str(tmp_path / "p.onnx"), CARTPOLE)


def test_without_stable_baselines3_one_is_told_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.save_util", None)
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as zip_:
        zip_.writestr("data", '{"policy_class": {"__module__": "theirs"}}')
        zip_.writestr("policy.pth", b"")
    with pytest.raises(CodeNotTrustedError, match="the policy class of 'theirs'"):
        elsewhere.load(str(tmp_path / "p.zip"), CARTPOLE)
    with pytest.raises(MissingExtraError, match=r'p\.zip: .*pip install "understudy\[sb3\]"'):
        elsewhere.load(str(tmp_path / "p.zip"), CARTPOLE, trust_code=True)
