"""Checkpoints: what was saved comes back, and a torn file is passed over."""

import numpy as np
import pytest
import torch

from engine import checkpoint
from engine.config import parse


@pytest.fixture
def state(make_task):
    task, state, _ = make_task(parse({}, []))
    task.progress.end()
    return state


def saved_at(state, epoch, folder):
    state.epoch = epoch
    for parameter in state.model.parameters():
        parameter.data.fill_(epoch)
    checkpoint.save(state, folder)


def test_a_state_survives(state, tmp_path):
    state.map_positions = np.array([[1.0, 2.0]], np.float32)
    state.precision = ("bfloat16", "because", "contiguous")
    saved_at(state, 3, tmp_path)
    signals = {name: values.copy() for name, values in state.signals.arrays().items()}
    state.signals = type(state.signals)(**{name: values * 0 for name, values in signals.items()})
    state.epoch, state.map_positions, state.precision = 0, None, ()
    assert checkpoint.restore(state, tmp_path, recorded=9)
    assert state.epoch == 3
    assert state.precision == ("bfloat16", "because", "contiguous")
    np.testing.assert_array_equal(state.map_positions, [[1, 2]])
    for name, values in signals.items():
        np.testing.assert_array_equal(state.signals.arrays()[name], values, err_msg=name)
        assert state.signals.arrays()[name].dtype == values.dtype
    assert all((parameter == 3).all() for parameter in state.model.parameters())


def test_the_last_two_are_kept(state, tmp_path):
    for epoch in range(1, 5):
        saved_at(state, epoch, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["epoch-00003.pt", "epoch-00004.pt"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_torn_checkpoint_gives_way_to_the_one_before(state, tmp_path):
    saved_at(state, 1, tmp_path)
    saved_at(state, 2, tmp_path)
    newest = tmp_path / "epoch-00002.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    assert checkpoint.restore(state, tmp_path, recorded=9)
    assert state.epoch == 1


def test_a_checkpoint_ahead_of_the_record_is_never_gone_on_from(state, tmp_path):
    saved_at(state, 3, tmp_path)
    saved_at(state, 4, tmp_path)
    assert checkpoint.restore(state, tmp_path, recorded=3)
    assert state.epoch == 3
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00003.pt"]
    assert not checkpoint.restore(state, tmp_path, recorded=2)


def test_no_checkpoint_leaves_the_state_as_it_is(state, tmp_path):
    before = [parameter.clone() for parameter in state.model.parameters()]
    assert not checkpoint.restore(state, tmp_path, recorded=9)
    assert all(torch.equal(one, other) for one, other in zip(before, state.model.parameters(), strict=True))
