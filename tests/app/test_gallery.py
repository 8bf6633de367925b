"""The gallery: every sample with its own part of the sprite, its numbers, its link, and nothing unescaped."""

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame
from PIL import Image

from app import gallery
from store.run import Run
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), samples=40, epochs=1)


def rows(ids: list[int], name: str = "owl") -> DataFrame:
    return DataFrame({"sample_id": ids, "name": [name] * len(ids)})


def named(row: Any) -> tuple[str]:
    return (row.name,)


def test_each_sample_has_its_number_and_a_link_to_its_page(run: Run):
    drawn = gallery.gallery(run, rows([7, 3]), named)
    assert re.findall(r"<b>(#\d+)</b><span>(\w+)</span>", drawn) == [("#7", "owl"), ("#3", "owl")]
    assert f'href="/samples?run={run.id}&amp;sample=7"' in drawn


def test_all_pictures_come_with_one_request(run: Run):
    drawn = gallery.gallery(run, rows(list(range(40))), named)
    assert set(re.findall(r"url\(&#x27;([^;]*?ids=[^&]*)|url\('([^']*)'\)", drawn)) == {
        ("", gallery.sprite_address(run, range(40)).replace("&", "&amp;"))
    }


def test_a_thumbnail_shows_its_own_part_of_the_sprite(run: Run):
    drawn = gallery.gallery(run, rows(list(range(20))), named)  # 16 columns, so 18 is third of the second row
    styles = re.findall(r"background-size:([\d.%\s]+);\s*background-position:([\d.%\s]+)", drawn)
    assert styles[18] == ("1600% 200%", f"{100 * 2 / 15:.4f}% 100.0000%")


def test_a_screen_reader_hears_sample_and_numbers(run: Run):
    assert 'aria-label="sample 7, owl"' in gallery.gallery(run, rows([7]), named)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a' onclick='b"]
)
def test_no_text_becomes_markup(run: Run, name: str):
    drawn = gallery.gallery(run, rows([7], name), named)
    assert name not in drawn
    assert "<script" not in drawn and "<img" not in drawn
    assert "' onclick='" not in drawn


def test_gallery__no_samples(run: Run):
    assert gallery.gallery(run, rows([]), named) == ""


def test_gallery__more_than_a_sprite_holds(run: Run):
    with pytest.raises(ValueError, match="at most 512 samples; got 513"):
        gallery.gallery(run, rows([0] * 513), named)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_sprite_has_sixteen_columns_and_shrinks_large_pictures(channels: int, mode: str):
    images = np.full((17, 40, 40, channels), 200, np.uint8)
    picture = np.asarray(Image.open(BytesIO(gallery.sprite(images, 20))).convert(mode))
    assert picture.shape[:2] == (2 * 20, 16 * 20)
    assert picture[10, 10].mean() == pytest.approx(200, abs=3)
    assert picture[30, 30].mean() == pytest.approx(0, abs=3)  # no eighteenth sample


def test_sprite_leaves_small_pictures_as_they_are():
    sprite = gallery.sprite(np.zeros((2, 8, 8, 1), np.uint8), 64)
    assert Image.open(BytesIO(sprite)).size == (16, 8)
