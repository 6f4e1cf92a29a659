"""Discriminators: the rewards' signs and the losses by hand, what is judged, and what an end is worth."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners.rewards.discriminators import (
    CountingDiscriminator,
    Encoder,
    Judged,
    PerceptronDiscriminator,
    PerceptronSettings,
    RewardForm,
    Steps,
    discriminator_loss,
    imitation_reward,
    paid,
)
from learners.rollout import Rollout
from learners.worlds import facts_of
from tests.learners.imitated import made_up_balance, straight_to_the_end


def one_step(reached: int, action: int, terminated: bool) -> Rollout:
    """A step from state 1 of the chain."""
    return Rollout(
        observations=np.array([[1]]),
        actions=np.array([[action]]),
        rewards=np.array([[99.0]]),
        terminated=np.array([[terminated]]),
        truncated=np.array([[False]]),
        next_observations=np.array([[reached]]),
        valid=np.array([[True]]),
    )


def encoder_of(world: EnvSpec, judged: Judged = "state-action", absorbing: bool = True) -> Encoder:
    """Discount 0.5: an end is followed by 0.5 + 0.25 + ... = 1 step in the absorbing state."""
    return Encoder(facts_of(world), judged, absorbing=absorbing, discount=0.5)


def counted(steps: Steps) -> dict[int, float]:
    """How often each row occurs."""
    counts = torch.bincount(steps.rows, steps.weights)
    return {int(row): counts[row].item() for row in counts.nonzero()[:, 0]}


def test_the_signs_of_the_rewards_by_hand() -> None:
    expert_like = torch.tensor([0.8]).logit()  # D = 0.8
    assert imitation_reward("log-d", expert_like).item() == pytest.approx(np.log(0.8))
    assert imitation_reward("minus-log-one-minus-d", expert_like).item() == pytest.approx(np.log(5))
    assert imitation_reward("logit", expert_like).item() == pytest.approx(np.log(4))
    any_step = torch.linspace(-5, 5, 11)
    assert (imitation_reward("log-d", any_step) < 0).all(), "every further step costs"
    assert (imitation_reward("minus-log-one-minus-d", any_step) > 0).all(), "every further step pays"
    assert imitation_reward("logit", torch.zeros(1)).item() == 0, "D = 1/2: neither"
    forms: tuple[RewardForm, ...] = ("logit", "log-d", "minus-log-one-minus-d")
    for form in forms:
        assert (imitation_reward(form, any_step).diff() > 0).all(), "more like the expert is better"


def test_the_loss_of_a_discriminator_that_knows_nothing_is_log_2() -> None:
    nothing = torch.zeros(3)
    loss = discriminator_loss(nothing, torch.ones(3), nothing[:1], torch.ones(1))
    assert loss.item() == pytest.approx(np.log(2))
    sure = discriminator_loss(nothing + 20, torch.ones(3), nothing - 20, torch.ones(3))
    assert sure.item() == pytest.approx(0, abs=1e-6), "D is the probability of the expert"


def test_counting_finds_the_minimum_of_the_loss() -> None:
    """Expert: 3 and 1 of 4 steps; own: 2 and 6 of 8. f = log(0.75 / 0.25) and log(0.25 / 0.75)."""
    expert, own = (Steps(torch.tensor([0, 1]), torch.tensor(counts)) for counts in ([3.0, 1.0], [2.0, 6.0]))
    counting = CountingDiscriminator(expert, 2, remembered=1, smoothing=0.0)
    assert counting.logits(torch.tensor([0, 1])).tolist() == [0, 0], "D = 1/2 before any update"
    counting.update(own, np.random.default_rng(0))
    assert counting.table.tolist() == pytest.approx([np.log(3), -np.log(3)])
    best = counting.table.clone().requires_grad_()
    discriminator_loss(best, expert.weights, best, own.weights).backward()  # type: ignore[no-untyped-call]
    assert best.grad is not None
    assert best.grad.abs().max().item() < 1e-7


def test_counting_forgets_gradually_and_never_divides_by_nothing() -> None:
    """Remembering 2 iterations halves what was counted before: 4 / 2 + 0 against 0 + 2 is a half each."""
    expert = Steps(torch.tensor([0, 1]), torch.ones(2))
    counting = CountingDiscriminator(expert, 3, remembered=2, smoothing=0.0)
    counting.update(Steps(torch.tensor([0]), torch.tensor([4.0])), np.random.default_rng(0))
    counting.update(Steps(torch.tensor([1]), torch.tensor([2.0])), np.random.default_rng(0))
    assert counting.table[:2].tolist() == pytest.approx([0, 0])
    smooth = CountingDiscriminator(expert, 3, remembered=2, smoothing=0.1)
    smooth.update(Steps(torch.tensor([0]), torch.tensor([4.0])), np.random.default_rng(0))
    by_hand = [np.log(0.55 / 1.05), np.log(0.55 / 0.05), 0.0]  # smoothing: 0.1 of 2 steps
    assert smooth.table.tolist() == pytest.approx(by_hand)


@pytest.mark.parametrize("form", ["logit", "log-d", "minus-log-one-minus-d"])
def test_a_step_is_worth_what_it_exceeds_being_absorbed_by(chain: EnvSpec, form: RewardForm) -> None:
    encoder = encoder_of(chain)
    counting = CountingDiscriminator(
        encoder.demonstrated(straight_to_the_end()), encoder.width + 1, remembered=1, smoothing=1.0
    )
    counting.table[3], counting.table[6] = 2.0, 5.0  # (state 1, right); absorbed
    step, absorbed = (imitation_reward(form, torch.tensor(f)).item() for f in (2.0, 5.0))
    for terminated in (True, False):
        rewards = paid(form, counting, encoder, one_step(2, 1, terminated)).rewards
        assert rewards[0, 0] == pytest.approx(step - absorbed)
    bare = encoder_of(chain, absorbing=False)
    assert paid(form, counting, bare, one_step(2, 1, True)).rewards[0, 0] == pytest.approx(step)


def test_the_absorbing_state_is_demonstrated_too(chain: EnvSpec) -> None:
    """Rows of the chain: 2 * state + action; 6 is absorbed."""
    assert counted(encoder_of(chain).demonstrated(straight_to_the_end())) == {1: 3, 3: 3, 6: 3}
    assert counted(encoder_of(chain).own(one_step(2, 1, terminated=True))) == {3: 1, 6: 1}
    assert counted(encoder_of(chain).own(one_step(0, 0, terminated=False))) == {2: 1}
    without = encoder_of(chain, absorbing=False)
    assert counted(without.demonstrated(straight_to_the_end())) == {1: 3, 3: 3}


def test_a_state_only_discriminator_sees_what_was_reached_and_no_action(chain: EnvSpec) -> None:
    encoder = encoder_of(chain, "state")
    for actions in (True, False):
        shown = encoder.demonstrated(straight_to_the_end(actions))
        assert counted(shown) == {1: 3, 2: 3, 3: 3}, "state 1, the end, absorbed"


def test_features_are_observation_action_and_absorption(cartpole: EnvSpec) -> None:
    shown = made_up_balance()
    rows = encoder_of(cartpole).demonstrated(shown).rows.numpy()
    assert (rows[:, :4] == shown.observations).all()
    assert rows[:, 4:].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert encoder_of(cartpole).absorbing_row.tolist() == [[0, 0, 0, 0, 0, 0, 1]]
    reached = encoder_of(cartpole, "state").demonstrated(shown).rows.numpy()
    assert (reached[:-1, :4] == shown.observations[1:]).all()
    assert reached.shape == (5, 5)


def perceptron(expert: Steps) -> PerceptronDiscriminator:
    settings = PerceptronSettings((3,), 0.05, 10, 16, 2, l2=0.1, gradient_penalty=0.1)
    return PerceptronDiscriminator(expert, 7, settings, np.random.default_rng(0))


def test_the_loss_has_the_gradient_that_differences_give() -> None:
    rng = np.random.default_rng(0)
    expert, own = (torch.from_numpy(rng.standard_normal((4, 7))) for _ in range(2))
    judge = perceptron(Steps(expert, torch.ones(4)))
    judge.network.double()
    with torch.no_grad():
        for parameter in judge.network.parameters():
            parameter.add_(torch.from_numpy(rng.standard_normal(parameter.shape)))

    def loss() -> torch.Tensor:
        return judge.loss(expert, own, np.random.default_rng(1))

    loss().backward()  # type: ignore[no-untyped-call]
    weight = next(judge.network.parameters())
    assert weight.grad is not None
    for index in ((0, 0), (2, 3)):
        ends = []
        for nudge in (1e-3, -1e-3):
            with torch.no_grad():
                weight[index] += nudge
            ends.append(loss().item())
            with torch.no_grad():
                weight[index] -= nudge
        assert weight.grad[index].item() == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-3, abs=1e-6)


def test_a_perceptron_learns_to_tell() -> None:
    rng = np.random.default_rng(0)
    expert, own = (Steps(torch.randn(20, 7) + shift, torch.ones(20)) for shift in (1.0, -1.0))
    judge = perceptron(expert)
    assert judge.logits(expert.rows).abs().max().item() == 0, "D = 1/2 before any update"
    for _ in range(3):
        metrics = judge.update(own, rng)
    assert metrics["discriminator_loss"] < np.log(2)
    assert judge.logits(expert.rows).mean() > 0 > judge.logits(own.rows).mean()


def test_box_actions_are_features() -> None:
    encoder = Encoder(facts_of(gym.spec("Pendulum-v1")), "state-action", absorbing=True, discount=0.5)
    rows = encoder.rows(np.zeros((2, 3)), np.array([[0.5], [2.0]]), np.zeros((2, 3)))
    assert rows.tolist() == [[0, 0, 0, 0.5, 0], [0, 0, 0, 2.0, 0]]
