"""Policies and experts that other programs made: ONNX, TorchScript, Stable-Baselines3, and Python functions.

A name says by its form what it is, and so whose code would run (docs/experts.md):

    balance.onnx        data; onnxruntime computes it. No flag
    balance.zip         Stable-Baselines3. Plain networks are read as data; any other needs --trust-code
    balance.pt          TorchScript: a program in a file. Needs --trust-code
    my.module:function  Python. Needs --trust-code

Reading order: `loading` (a name becomes a guest), `guest` (what is handed over), `outputs` (what a model may
answer), `answers` (how each answer is checked), then one file a form.
"""

from learners.elsewhere.guest import Guest
from learners.elsewhere.loading import form_of, load, named_policy, what_runs
from learners.elsewhere.spaces import Spaces

__all__ = ["Guest", "Spaces", "form_of", "load", "named_policy", "what_runs"]
