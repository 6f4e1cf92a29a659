"""Policies of Stable-Baselines3: plain networks are read as data, and nothing of the file runs unasked."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from learners import elsewhere
from learners.elsewhere import Spaces, archive, sb3
from learners.errors import CodeNotTrustedError, ForeignPolicyError, LearnerError, PolicyFileError
from learners.policies import NetworkPolicy, TablePolicy

pytest.importorskip("stable_baselines3", reason="the extra sb3 is not installed")

MakeZip = Callable[..., Path]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> MakeZip:
    """saved(algorithm, world, **policy_kwargs) -> the file of an untrained policy; each is made once."""
    folder = tmp_path_factory.mktemp("sb3")
    made: dict[str, Path] = {}

    def save(algorithm: str, world: str | gym.Env[Any, Any], use_sde: bool = False, **kwargs: Any) -> Path:
        import stable_baselines3

        key = f"{algorithm} {world} {use_sde} {kwargs}"
        if key not in made:
            short = {"buffer_size": 10} if algorithm in ("DQN", "SAC", "TD3") else {"use_sde": use_sde}
            model = getattr(stable_baselines3, algorithm)(
                "MlpPolicy", world, device="cpu", seed=0, policy_kwargs=kwargs or None, **short
            )
            made[key] = folder / f"{len(made)}.zip"
            model.save(made[key])
        return made[key]

    return save


def spaces_of(world: str | gym.Env[Any, Any]) -> Spaces:
    env = gym.make(world) if isinstance(world, str) else world
    return Spaces(env.observation_space, env.action_space)


def answers_of(path: Path, algorithm: str, observations: np.ndarray[Any, Any]) -> Any:
    """As Stable-Baselines3 itself acts."""
    import stable_baselines3

    model = getattr(stable_baselines3, algorithm).load(path, device="cpu")
    return model.predict(observations, deterministic=True)[0]


class States(gym.Env[int, int]):
    """Discrete states, as Stable-Baselines3 sees them one-hot."""

    observation_space = gym.spaces.Discrete(7)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return 0, 0.0, True, False, {}


# -- plain networks, read as data ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "world", "kwargs"),
    [
        ("PPO", "CartPole-v1", {}),
        ("PPO", "CartPole-v1", {"net_arch": [8, 6, 4], "activation_fn": torch.nn.ReLU}),
        ("PPO", "CartPole-v1", {"net_arch": []}),
        ("PPO", "Pendulum-v1", {"net_arch": {"pi": [8], "vf": [4, 4]}, "log_std_init": -1.0}),
        ("A2C", "Pendulum-v1", {}),
        ("DQN", "CartPole-v1", {"net_arch": [8]}),
    ],
)
def test_a_plain_network_acts_as_it_does_there(
    saved: MakeZip, algorithm: str, world: str, kwargs: dict[str, Any]
) -> None:
    path, spaces = saved(algorithm, world, **kwargs), spaces_of(world)
    policy = elsewhere.load(str(path), spaces).trainable()
    observations = np.random.default_rng(0).normal(size=(200, *spaces.observation.shape)).astype(np.float32)  # type: ignore[misc]
    theirs, ours = answers_of(path, algorithm, observations), policy.act(observations)
    assert np.allclose(ours, theirs, atol=1e-5)
    assert len(np.unique(theirs)) > 1


@pytest.mark.parametrize("algorithm", ["PPO", "DQN"])
def test_a_network_over_states_becomes_a_table(saved: MakeZip, algorithm: str) -> None:
    path = saved(algorithm, States())
    policy = elsewhere.load(str(path), spaces_of(States())).policy()
    assert isinstance(policy, TablePolicy)
    assert np.array_equal(policy.act(np.arange(7)), answers_of(path, algorithm, np.arange(7)))


def test_it_is_read_where_stable_baselines3_is_not_installed(
    saved: MakeZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved("PPO", "CartPole-v1")
    monkeypatch.setitem(__import__("sys").modules, "stable_baselines3", None)
    assert isinstance(elsewhere.load(str(path), spaces_of("CartPole-v1")).actor, NetworkPolicy)


def test_a_policy_of_another_world_is_refused(saved: MakeZip) -> None:
    for path in (saved("PPO", "CartPole-v1"), saved("DQN", "CartPole-v1", net_arch=[8])):
        for world in ("Acrobot-v1", "Pendulum-v1", "MountainCar-v0"):
            with pytest.raises(
                ForeignPolicyError, match=r"pth: [a-z ]+: expected [^.]*, found [^.]*\. The world is .*; give"
            ):
                elsewhere.load(str(path), spaces_of(world))


# -- everything else, with leave alone ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "world", "kwargs", "why"),
    [
        ("SAC", "Pendulum-v1", {"net_arch": [8]}, "the policy class of 'stable_baselines3.sac.policies'"),
        ("TD3", "Pendulum-v1", {"net_arch": [8]}, "the policy class of 'stable_baselines3.td3.policies'"),
        ("PPO", "CartPole-v1", {"activation_fn": torch.nn.ELU}, "the activation .*ELU"),
        ("A2C", "Pendulum-v1", {"use_sde": True}, "use_sde"),
        (
            "PPO",
            "CartPole-v1",
            {"share_features_extractor": False},
            r"the settings \['share_features_extractor'\]",
        ),
    ],
)
def test_other_policies_need_leave_and_then_act_as_there(
    saved: MakeZip, algorithm: str, world: str, kwargs: dict[str, Any], why: str
) -> None:
    path, spaces = saved(algorithm, world, **kwargs), spaces_of(world)
    with pytest.raises(CodeNotTrustedError, match=why) as refused:
        elsewhere.load(str(path), spaces)
    assert "--trust-code" in str(refused.value)
    assert "unpickles policy_class" in str(refused.value)
    guest = elsewhere.load(str(path), spaces, trust_code=True)
    observations = np.random.default_rng(0).normal(size=(20, *spaces.observation.shape)).astype(np.float32)  # type: ignore[misc]
    assert np.allclose(guest.policy().act(observations), answers_of(path, algorithm, observations), atol=1e-5)
    with pytest.raises(ForeignPolicyError, match="can be taught"):
        guest.trainable()


def test_with_leave_another_world_is_refused_all_the_same(saved: MakeZip) -> None:
    path = saved("SAC", "Pendulum-v1", net_arch=[8])
    with pytest.raises(ForeignPolicyError, match="observation_space: expected a policy for this world"):
        elsewhere.load(str(path), spaces_of("CartPole-v1"), trust_code=True)


# -- hostile files --------------------------------------------------------------------------------------------------


class Touch:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path(self.path),)  # type: ignore[return-value]


def changed(path: Path, to: Path, **parts: bytes | None) -> Path:
    """A copy of the zip in which some parts are others (None: are gone); __ in a name stands for a dot."""
    new = {key.replace("__", "."): content for key, content in parts.items()}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as made:
        for name in old.namelist():
            content = new.pop(name, old.read(name))
            if content is not None:
                made.writestr(name, content)
        for name, content in new.items():
            made.writestr(name, content or b"")
    return to


def settings_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as zip_:
        found: dict[str, Any] = json.loads(zip_.read("data"))
    return found


@pytest.mark.parametrize("entry", ["policy_class", "policy_kwargs", "observation_space", "lr_schedule"])
@pytest.mark.parametrize("is_plain", [True, False])
def test_a_pickle_that_would_make_a_file_makes_none(
    saved: MakeZip, tmp_path: Path, entry: str, is_plain: bool
) -> None:
    """Read as data, or refused: nothing is unpickled. That it would be dangerous is shown at the end."""
    mark = tmp_path / "was here"
    path = saved("PPO", "CartPole-v1") if is_plain else saved("SAC", "Pendulum-v1", net_arch=[8])
    spaces = spaces_of("CartPole-v1" if is_plain else "Pendulum-v1")
    settings = settings_of(path)
    bad = base64.b64encode(pickle.dumps(Touch(mark))).decode()
    was = settings[entry] if isinstance(settings[entry], dict) else {}
    settings[entry] = {**was, ":type:": "<class 'dict'>", ":serialized:": bad}
    hostile = changed(path, tmp_path / "hostile.zip", data=json.dumps(settings).encode())
    if is_plain:
        assert isinstance(elsewhere.load(str(hostile), spaces).actor, NetworkPolicy)
    else:
        with pytest.raises(CodeNotTrustedError):
            elsewhere.load(str(hostile), spaces)
    assert not mark.exists()
    pickle.loads(base64.b64decode(bad))  # noqa: S301 - what a reader that trusts it would do
    assert mark.exists()


def test_with_leave_only_what_is_needed_is_unpickled(saved: MakeZip, tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    path = saved("SAC", "Pendulum-v1", net_arch=[8])
    settings = settings_of(path)
    settings["lr_schedule"] = {
        ":type:": "x",
        ":serialized:": base64.b64encode(pickle.dumps(Touch(mark))).decode(),
    }
    hostile = changed(path, tmp_path / "hostile.zip", data=json.dumps(settings).encode())
    elsewhere.load(str(hostile), spaces_of("Pendulum-v1"), trust_code=True)
    assert not mark.exists()


def weights_with(tensors: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def test_weights_that_are_a_program_are_not_run(saved: MakeZip, tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    weights = weights_with({"action_net.weight": Touch(mark)})
    hostile = changed(saved("PPO", "CartPole-v1"), tmp_path / "hostile.zip", policy__pth=weights)
    with pytest.raises(LearnerError, match=r"hostile\.zip"):
        elsewhere.load(str(hostile), spaces_of("CartPole-v1"))
    assert not mark.exists()


def test_weights_that_are_no_numbers_are_refused(saved: MakeZip, tmp_path: Path) -> None:
    path = saved("PPO", "CartPole-v1", net_arch=[])
    weights = {"action_net.weight": torch.full((2, 4), torch.nan), "action_net.bias": torch.zeros(2)}
    hostile = changed(path, tmp_path / "nan.zip", policy__pth=weights_with(weights))
    with pytest.raises(ForeignPolicyError, match="expected finite numbers, found NaN"):
        elsewhere.load(str(hostile), spaces_of("CartPole-v1"))


@pytest.mark.parametrize("key", ["two\nlines", "\x1b[2Jcleared"])
def test_names_from_a_file_cannot_write_to_the_terminal(saved: MakeZip, tmp_path: Path, key: str) -> None:
    path = saved("PPO", "CartPole-v1")
    weights = changed(path, tmp_path / "w.zip", policy__pth=weights_with({key: torch.zeros(1)}))
    settings = {**settings_of(path), "policy_kwargs": {key: 1}}
    kwargs = changed(path, tmp_path / "k.zip", data=json.dumps(settings).encode())
    with zipfile.ZipFile(tmp_path / "n.zip", "w") as named:
        named.writestr(key, b"")
    for hostile in (weights, kwargs, tmp_path / "n.zip"):
        with pytest.raises(LearnerError) as found:
            elsewhere.load(str(hostile), spaces_of("CartPole-v1"))
        assert str(found.value).isprintable()


def refused(path: Path, words: str, spaces: Spaces | None = None) -> None:
    with pytest.raises(PolicyFileError, match=words) as found:
        elsewhere.load(str(path), spaces or spaces_of("CartPole-v1"), trust_code=True)
    assert "\n" not in str(found.value)


def test_a_cut_zip_is_refused(saved: MakeZip, tmp_path: Path) -> None:
    whole = saved("PPO", "CartPole-v1").read_bytes()
    for share in (0, 1, 50, 80, 99):
        cut = tmp_path / "cut.zip"
        cut.write_bytes(whole[: len(whole) * share // 100])
        refused(cut, "cut.zip: zip: expected a whole zip archive")


def test_a_zip_that_unpacks_to_far_too_much_is_refused(saved: MakeZip, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zip_,
        zip_.open("data", "w") as part,
    ):
        for _ in range(archive.MOST_BYTES // (1 << 20) + 1):
            part.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 22
    refused(bomb, "bomb.zip: zip: expected at most .* bytes unpacked")


def test_settings_of_many_megabytes_are_refused_unread(saved: MakeZip, tmp_path: Path) -> None:
    large = b"[" + b"[]," * (sb3.MOST_DATA_BYTES // 3) + b"[]]"
    path = changed(saved("PPO", "CartPole-v1"), tmp_path / "large.zip", data=large)
    refused(path, "large.zip: 'data': expected at most .* bytes unpacked, found")


def test_a_zip_that_lies_about_its_size_is_refused(saved: MakeZip, tmp_path: Path) -> None:
    path = saved("PPO", "CartPole-v1")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as zip_:
        size = zip_.getinfo("data").file_size
    entry = content.rindex(b"data", 0, content.rindex(b"pytorch_variables.pth")) - 46
    content[entry + 24 : entry + 28] = (size - 7).to_bytes(4, "little")
    liar = tmp_path / "liar.zip"
    liar.write_bytes(content)
    refused(liar, "liar.zip: zip: expected a whole zip archive")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "..\\b", "C:b"])
def test_names_that_lead_outside_are_refused(saved: MakeZip, tmp_path: Path, name: str) -> None:
    path = changed(saved("PPO", "CartPole-v1"), tmp_path / "out.zip")
    with zipfile.ZipFile(path, "a") as zip_:
        zip_.writestr(zipfile.ZipInfo(name), b"x")
    refused(path, "expected names inside the archive")


def test_two_parts_of_one_name_are_refused(saved: MakeZip, tmp_path: Path) -> None:
    path = changed(saved("PPO", "CartPole-v1"), tmp_path / "two.zip")
    with zipfile.ZipFile(path, "a") as zip_, pytest.warns(UserWarning, match="Duplicate"):
        zip_.writestr("data", b"{}")
    refused(path, "expected each part once")


def test_another_zip_is_refused(saved: MakeZip, tmp_path: Path) -> None:
    refused(
        changed(saved("PPO", "CartPole-v1"), tmp_path / "o.zip", data=None), "that Stable-Baselines3 saved"
    )
    for content in (b"[" * 100_000, b"[]", b"\xff", b""):
        path = changed(saved("PPO", "CartPole-v1"), tmp_path / "o.zip", data=content)
        refused(path, "expected a JSON object")


@pytest.mark.parametrize("seed", range(10))
def test_mutated_weights_are_refused_or_read(saved: MakeZip, tmp_path: Path, seed: int) -> None:
    """Inside the inner program, behind a checksum that fits."""
    rng = np.random.default_rng(seed)
    path = saved("PPO", "CartPole-v1", net_arch=[])
    with zipfile.ZipFile(path) as zip_:
        inner = zipfile.ZipFile(io.BytesIO(zip_.read("policy.pth")))
    parts = {name: inner.read(name) for name in inner.namelist()}
    program = next(name for name in parts if name.endswith("data.pkl"))
    for _ in range(30):
        content = bytearray(parts[program])
        for place in rng.integers(len(content), size=int(rng.integers(1, 4))):
            content[place] = rng.integers(256)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as made:
            for name, part in {**parts, program: bytes(content)}.items():
                made.writestr(name, part)
        hostile = changed(path, tmp_path / "m.zip", policy__pth=buffer.getvalue())
        with contextlib.suppress(PolicyFileError, ForeignPolicyError, CodeNotTrustedError):
            elsewhere.load(str(hostile), spaces_of("CartPole-v1"))
