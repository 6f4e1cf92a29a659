"""`evaluate`: the return of a policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from learners import checkpoint
from learners.elsewhere import named_policy
from learners.evaluation import Evaluation, evaluate
from learners.settings import Count, Seed, Settings
from teleop.commands.report import Report
from teleop.commands.whose_code import say_whose_code
from teleop.worlds.choice import choose


@dataclass(frozen=True)
class Evaluate(Settings):
    """The return of a policy: exact where the world is tabular, else from sampled episodes."""

    policy: Annotated[Path, tyro.conf.Positional]
    """The policy: .safetensors, .onnx, .zip of Stable-Baselines3, .pt of TorchScript, or package.module:function."""
    env: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """The world: gridworld, gridworld-slip, cartpole, looptrack, looptrack-position, mountaincar, acrobot, lunarlander,
    carracing, or any gymnasium id. Default: by its id the one that a .safetensors was trained for, else gridworld."""
    episodes: Count | None = None
    """Episodes to sample, where the return cannot be computed exactly. Default: 100; 2 where observations are pictures,
    whose worlds take milliseconds a step."""
    trust_code: bool = False
    """Code that comes with a policy from elsewhere may run: TorchScript (.pt), Python (package.module:function), what
    Stable-Baselines3 (.zip) pickled."""
    sample: bool = False
    """Draw actions from the policy's distribution. Default: its most probable action."""
    seed: Seed = 0
    """Of the sampled episodes."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        world = choose(self.env or self._own_world() or "gridworld")
        say_whose_code(self.policy, trust_code=self.trust_code)
        policy = named_policy(str(self.policy), world.spec(), trust_code=self.trust_code).policy()
        found = evaluate(policy, world.spec(), episodes=self.episodes, seed=self.seed, sample=self.sample)
        return Report({"world": world.env_id, **asdict(found)}, f"{world.title}: {_sentence(found)}")

    def _own_world(self) -> str:
        """Its id, as the policy's file names it; "" where it names none."""
        return checkpoint.load(self.policy).origin.env_id if self.policy.suffix == ".safetensors" else ""


def parse(prog: str, words: list[str]) -> Evaluate:
    return tyro.cli(Evaluate, prog=prog, args=words)


def _sentence(found: Evaluation) -> str:
    how = "exact, over all starts" if found.exact else f"over {found.episodes} episodes"
    success = "" if found.success is None else f", success {100 * found.success:.1f} %"
    return (
        f"return {found.return_mean:.3f} ± {found.return_std:.3f} ({how}), "
        f"mean length {found.length_mean:.1f} steps{success}; {found.seconds:.2f} s"
    )
