"""Encoders: a real open_clip checkpoint from a file, and sentences where weights or packages are missing."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from numpy import ndarray
from safetensors.torch import save_file

from engine.consistency import packaged, towers
from engine.consistency.kept import LOADING, KeptEncoder
from engine.consistency.settings import Offline, OpenClip
from store.errors import DiskIsFull

CPU = torch.device("cpu")
TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), np.uint8)
TEXTS = ["a photo of a cat", "a photo of a dog"]


def ignore(phase: str, share: float) -> None:
    """Takes a report and does nothing with it."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenClip]:
    """A tiny model that open_clip knows by name, and the path of a checkpoint with its random weights."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny-clip.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / "tiny-clip.json")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = open_clip.create_model("tiny-clip")
    torch.save(model.state_dict(), folder / "tiny.pt")
    yield OpenClip(model="tiny-clip", pretrained=str(folder / "tiny.pt"))
    open_clip.factory._MODEL_CONFIG_PATHS.remove(folder / "tiny-clip.json")
    del open_clip.factory._MODEL_CONFIGS["tiny-clip"]


def by_open_clip(settings: OpenClip, images: ndarray) -> ndarray:
    """Embeds images as open_clip itself does with pictures, one by one."""
    from PIL import Image

    model, _, prepare = open_clip.create_model_and_transforms(settings.model, settings.pretrained)
    pictures = [prepare(Image.fromarray(image.transpose(1, 2, 0))) for image in images]
    with torch.inference_mode():
        embedded: ndarray = model.eval().encode_image(torch.stack(pictures), normalize=True).numpy()
    return embedded


def test_a_local_checkpoint_embeds_as_open_clip_does(tiny: OpenClip) -> None:
    encoder = towers.load(tiny, name="tiny", device=CPU)
    cosine = (encoder.embed_images(IMAGES, ignore) * by_open_clip(tiny, IMAGES)).sum(axis=1)
    assert cosine == pytest.approx(1, abs=2e-3)  # rounding of resized pixels, and bfloat16 where it is faster


def test_embeddings_are_rows_of_length_1(tiny: OpenClip) -> None:
    encoder = towers.load(tiny, name="tiny", device=CPU)
    for rows in (encoder.embed_images(IMAGES, ignore), encoder.embed_texts(TEXTS)):
        assert rows.dtype == np.float32 and rows.shape[1] == 16
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1)


def test_grey_images_are_those_with_three_equal_channels(tiny: OpenClip) -> None:
    encoder = towers.load(tiny, name="tiny", device=CPU)
    grey = IMAGES[:, :1]
    assert np.array_equal(
        encoder.embed_images(grey, ignore), encoder.embed_images(grey.repeat(3, axis=1), ignore)
    )


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (20, 40), (40, 20)])
def test_images_of_any_size_fit(tiny: OpenClip, shape: tuple[int, int]) -> None:
    encoder = towers.load(tiny, name="tiny", device=CPU)
    assert encoder.embed_images(np.zeros((2, 3, *shape), np.uint8), ignore).shape == (2, 16)


def test_read_only_and_mirrored_views_are_embedded_as_what_they_show(tiny: OpenClip) -> None:
    encoder = towers.load(tiny, name="tiny", device=CPU)
    mirrored = IMAGES[..., ::-1]
    mirrored.setflags(write=False)
    assert np.array_equal(
        encoder.embed_images(mirrored, ignore), encoder.embed_images(mirrored.copy(), ignore)
    )


def test_every_batch_is_reported(tiny: OpenClip) -> None:
    shares: list[float] = []
    encoder = towers.load(tiny, name="tiny", device=CPU)
    encoder.embed_images(IMAGES[[0] * 64], lambda _, share: shares.append(share))
    assert shares == [0.0, 0.5, 1.0]


def test_loading_leaves_the_global_generator_as_it_was(tiny: OpenClip) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    towers.load(tiny, name="tiny", device=CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_known_is_embedded_without_the_towers(tiny: OpenClip, tmp_path: Path) -> None:
    phases: list[str] = []
    first, second = (KeptEncoder(tiny, tmp_path, lambda phase, _: phases.append(phase)) for _ in "ab")
    assert first.name == "tiny-clip (tiny.pt)"
    embedded = first.embed_images(IMAGES, ignore), first.embed_texts(TEXTS)
    read = second.embed_images(IMAGES, ignore), second.embed_texts(TEXTS)
    assert [rows.tobytes() for rows in embedded] == [rows.tobytes() for rows in read]
    assert phases == [LOADING]


def test_a_checkpoint_with_other_weights_is_another_encoder(tiny: OpenClip, tmp_path: Path) -> None:
    other = tmp_path / "tiny.pt"
    weights = torch.load(tiny.pretrained, weights_only=True)
    torch.save({name: tensor * 2 for name, tensor in weights.items()}, other)
    encoders = [
        KeptEncoder(s, tmp_path, ignore) for s in (tiny, tiny.model_copy(update={"pretrained": str(other)}))
    ]
    assert encoders[0].identity != encoders[1].identity


def test_a_checkpoint_of_another_model_is_refused(tiny: OpenClip) -> None:
    settings = OpenClip(model="ViT-B-32", pretrained=tiny.pretrained)
    with pytest.raises(RuntimeError, match=r"tiny\.pt cannot be loaded as ViT-B-32; give a checkpoint of"):
        towers.load(settings, name="", device=CPU)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"consistency\.model must be .* open_clip model; got 'ViT-B-33'"):
        towers.load(OpenClip(model="ViT-B-33"), name="", device=CPU)


def test_a_pretrained_that_is_neither_tag_nor_file_is_refused() -> None:
    with pytest.raises(
        RuntimeError, match=r"must be a tag of ViT-B-32 \(openai, .*or the path of a checkpoint"
    ):
        towers.load(OpenClip(pretrained="nowhere.pt"), name="", device=CPU)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY}))
    with pytest.raises(RuntimeError, match="cannot be loaded; give a folder in open_clip's form"):
        towers.load(OpenClip(model=f"local-dir:{tmp_path}"), name="", device=CPU)


def test_weights_that_cannot_be_fetched_name_model_tag_and_the_way_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with packaged.no_hub(), pytest.raises(RuntimeError) as caught:
        towers.load(OpenClip(), name="", device=CPU)
    assert "the weights of ViT-B-32 with tag laion2b_s34b_b79k could not be fetched" in str(caught.value)
    assert "open_clip.create_model('ViT-B-32', pretrained='laion2b_s34b_b79k')" in str(caught.value)
    assert "give its path as consistency.pretrained" in str(caught.value)


def test_the_hub_is_asked_again_after_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with packaged.no_hub():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE


def test_missing_packages_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match=r"in Undertow's folder: pip install -e '\.\[offline\]'"):
        KeptEncoder(Offline(), tmp_path, ignore)


def test_a_full_disk_while_the_encoder_is_built_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(DiskIsFull, match=r"needs .* MB are free in .*packaged-.* set UNDERTOW_CACHE to"):
        packaged.checkpoint(tmp_path, ignore)


def test_ridge_takes_rows_towards_their_centred_targets() -> None:
    rows = torch.diag(torch.tensor([1.0, 1.0], dtype=torch.float64))
    targets = torch.tensor([[3.0], [1.0]], dtype=torch.float64)  # centred: 1 and -1
    assert packaged.ridge(rows, targets).flatten().tolist() == pytest.approx([1 / (1 + 1), -1 / (1 + 1)])


@pytest.mark.parametrize(("cut", "builds"), [(0, 0), (1, 1)])
def test_the_packaged_encoder_is_built_anew_only_where_its_file_is_cut_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cut: int, builds: int
) -> None:
    built: list[Path] = []
    monkeypatch.setattr(packaged, "_build", lambda folder, _: built.append(folder))
    folder = Path(packaged.checkpoint(tmp_path, ignore).model.removeprefix(towers.LOCAL))
    save_file({"weight": torch.zeros(4)}, folder / "open_clip_model.safetensors")
    with (folder / "open_clip_model.safetensors").open("r+b") as file:
        file.truncate(file.seek(0, 2) - cut)
    packaged.checkpoint(tmp_path, ignore)
    assert built == [folder] * (1 + builds)
