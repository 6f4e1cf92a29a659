"""What the runs on Hopper are, and what the page says of them."""

from __future__ import annotations

from collections.abc import Sequence

from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture
from teleop.experiments.hopper import claims, pictures, rows, strong
from teleop.experiments.hopper.data import (
    DEMONSTRATIONS,
    EPISODES,
    FIRST,
    FIRST_AFTER,
    SECOND,
    SECOND_AFTER,
    expert,
)


def cells(seeds: range) -> Sequence[Cell]:
    return [Cell(expert), *rows.cells(seeds), *strong.cells(seeds)]


def page(findings: Findings) -> Sequence[Part]:
    best = _expert(findings)
    return (
        "The world is Hopper-v5 with gymnasium's own settings. The expert is a policy that this project's PPO trained "
        "in two runs; it comes with the program (`learners/data/hopper_expert.safetensors`, "
        f"{best['bytes'] / 1000:.0f} kB). The first found how to hop, at its best after {FIRST_AFTER}:\n\n"
        f"```sh\n{FIRST}\n```\n\n"
        "That policy falls now and then, and a clone inherits it. The second went on from there, with "
        f"actions drawn less widely, for {SECOND_AFTER}:\n\n"
        f"```sh\n{SECOND}\n```\n\n"
        "With a shorter `--trace` such runs fell ever more: what begins a fall may lie further back than it reaches "
        "([more](../learners/ppo.md)).\n\n"
        f"{_expert_in_words(best)} Returns of students are the means of {EPISODES} episodes of their most probable "
        f"actions; over seeds: median (lowest to highest). The source records {DEMONSTRATIONS} episodes, and so do we.",
        Picture(
            "hop",
            "One hop of the expert, from left to right; drawn from its joints' angles.",
            lambda figure: pictures.hop(figure, best["hop"]),
            (8.0, 2.2),
        ),
        rows.table(findings),
        claims.table(findings),
        claims.losses_in_words(findings),
        Picture(
            "losses",
            "Squared error on all 80 episodes against updates, SGD beside Adam; a line a seed.",
            lambda figure: pictures.losses(figure, findings),
        ),
        strong.table(findings, best["return"]),
        Picture(
            "strong",
            f"Return against labels and against own steps; a line a seed, dashed the expert, dotted "
            f"{strong.ENOUGH:.0%} of it.",
            lambda figure: pictures.strong(figure, findings, best["return"]),
        ),
    )


def items(findings: Findings) -> Sequence[Item]:
    best = _expert(findings)
    seeds = len(rows.runs(findings, rows.TANH_SGD))
    return (
        Item(
            "001",
            f"An expert for Hopper, and {DEMONSTRATIONS} episodes of it",
            "our own PPO",
            "–",
            f"{best['return']:,.0f} ± {best['deviation']:,.0f} (100 episodes)",
        ),
        *rows.items(findings, seeds),
        *claims.items(findings),
        *strong.items(findings, best["return"]),
    )


def _expert(findings: Findings) -> Found:
    return findings.of(expert)[0]


def _expert_in_words(best: Found) -> str:
    return (
        f"It returns {best['return']:,.0f} ± {best['deviation']:,.0f} (100 episodes of {best['length']:,.0f} steps on "
        f"average), and {best['drawn']:,.0f} when its actions are drawn; actions drawn uniformly return "
        f"{best['random']:,.0f}."
    )


EXPERIMENT = Experiment(
    name="hopper",
    title="Cloning a hopper",
    sources=("001",),
    question="The source clones Hopper with seven small networks, and concludes that Adam beats SGD, that tanh beats "
    "ReLU and that an LSTM gains nothing. Is that so, and what does it take to hop as well as the expert?",
    cells=cells,
    page=page,
    items=items,
    seeds=5,
    needs=("mujoco",),
)
