"""torch.compile: the same numbers where it works, a sentence and the same run where it does not."""

import os
import shutil
import subprocess
import sys

import pytest
import torch

from engine.compilation import compile_if_possible
from engine.models.build import build
from engine.models.settings import SmallNet
from engine.precision import Precision

CPU = torch.device("cpu")
PLAIN = Precision("float32", "test")

# Compared in training, as the net is tried, since another mode would be compiled anew.
PROGRAM = """
import copy
import sys
import torch
from engine.compilation import compile_if_possible
from engine.models.build import build
from engine.models.settings import SmallNet
from engine.precision import Precision
net = build(SmallNet(), shape=(1, 8, 8), classes=10, seed=0)
keys, images = list(net.state_dict()), torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
plain = copy.deepcopy(net)(images)[0].detach()
said = compile_if_possible(net, (4, 1, 8, 8), torch.device("cpu"), precision=Precision("float32", "test"))
sys.stdout.write(said)
assert list(net.state_dict()) == keys
torch.testing.assert_close(net(images)[0].detach(), plain, rtol=1e-4, atol=1e-4)
"""


def outcome(cache, **environment):
    """What a fresh process says of compiling; it has a cache of its own, lest an earlier answer stand in."""
    whole = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**whole, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_a_compiler_the_net_runs_as_it_is(tmp_path):
    said = outcome(tmp_path, CXX="/nonexistent", CC="/nonexistent")
    assert said.startswith("the net is not compiled, since torch.compile failed; ")


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_net_gives_the_same_logits(tmp_path):
    assert outcome(tmp_path) == "the net is compiled by torch.compile"


def test_a_net_that_fails_to_compile_keeps_its_weights_and_trains(monkeypatch):
    """The failure is that of any backend: an exception while the first batch is traced."""

    def refuse(_):
        raise RuntimeError("no such operation\nin line 1")

    net = build(SmallNet(), shape=(1, 8, 8), classes=10, seed=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: setattr(module, "forward", refuse))
    said = compile_if_possible(net, (4, 1, 8, 8), CPU, precision=PLAIN)
    assert said == "the net is not compiled, since torch.compile failed; RuntimeError: no such operation"
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    net(torch.zeros(4, 1, 8, 8))[0].sum().backward()
