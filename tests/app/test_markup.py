"""Names of runs, and pieces of HTML in which no text can become an element."""

import html
import math

import pytest
from pandas import DataFrame

from app import markup, naming
from engine.strength.constant import Constant

NAN = math.nan


# ---- names


def test_a_method_is_strategy_and_policy():
    config = {"strategy": {"kind": "joint", "keep": 0.5}, "policy": {"kind": "sada"}, "seed": 3}
    assert naming.method(config).replace("\N{NO-BREAK SPACE}", " ") == "joint 50 % + SADA"
    assert dict(naming.chips(config))["seed"] == "seed 3"


def test_a_constant_strength_is_named_with_its_value():
    assert naming.policy({"policy": Constant(value=0.2).model_dump()}) == "constant 0.2"


def test_methods_differ_in_nested_settings__one_left_out_is_its_default():
    plain, other = {"strategy": {"kind": "joint"}}, {"strategy": {"kind": "joint", "rarity_exponent": 2}}
    assert naming.methods([plain, other]) == [
        "joint + –, strategy.rarity_exponent 1.0",
        "joint + –, strategy.rarity_exponent 2.0",
    ]


def test_a_config_of_another_version_is_still_named():
    assert naming.chips({}) == (
        ("seed", "seed –"), ("strategy", "–"), ("policy", "–"), ("noise", "no noise"),
        ("data", "–"), ("model", "–"),
    )  # fmt: skip


def test_titles_that_are_shared_get_their_seed_and_then_their_id():
    configs = {
        "a": {"name": "x", "seed": 0},
        "b": {"name": "x", "seed": 1},
        "c": {"name": "x", "seed": 1},
        "d": {"name": "y"},
        "e": {"name": "z, seed 0", "seed": 0},
        "f": {"name": "z, seed 0", "seed": 0},
    }
    assert naming.run_titles(configs) == {
        "a": "x, seed 0",
        "b": "x, seed 1, b",
        "c": "x, seed 1, c",
        "d": "y",
        "e": "z, seed 0, e",
        "f": "z, seed 0, f",
    }


# ---- markup

EVIL = '<img src=x onerror="alert(1)">'


@pytest.mark.parametrize(
    "drawn",
    [
        markup.chips([(EVIL, EVIL)]),
        markup.state(EVIL),
        markup.head(EVIL, EVIL, hint=EVIL),
        markup.facts({EVIL: EVIL}),
        markup.link(EVIL, EVIL, note=EVIL, hint=EVIL),
        markup.bar(0.5, state_name=EVIL, says=EVIL),
        markup.sparkline([1, 2], says=EVIL),
        markup.table(DataFrame({EVIL: [EVIL]}), says=EVIL),
    ],
)
def test_no_text_becomes_an_element(drawn: str):
    assert EVIL not in drawn
    assert "<img" not in drawn
    assert EVIL in html.unescape(drawn)


def test_markdown_of_a_name_is_shown_and_not_obeyed():
    assert markup.markdown("*a* [b](c)") == r"\*a\* \[b\]\(c\)"


def test_a_sparkline_breaks_where_a_value_is_unknown():
    # Places are 25 wide; a lone value becomes a dash over its place.
    assert markup._segments([1, 2, NAN, 1], bottom=1, span=1) == [
        "12.5,28.0 37.5,2.0",
        "75.0,28.0 100.0,28.0",
    ]


def test_sparkline__nothing_known():
    assert "ut-spark-empty" in markup.sparkline([NAN, NAN], says="loss")


def test_a_strip_has_one_square_an_epoch():
    drawn = markup.strip([True, False], now=1)
    assert drawn.count("<span") == 2
    assert 'class="ut-kept" title="epoch 0: kept"' in drawn
    assert 'ut-now" title="epoch 1: dropped"' in drawn


def test_a_sentence_that_quotes_markup_draws_nothing_of_it_and_names_stay_as_they_are():
    assert markup.sentence("part_1.parquet of run 1-a is gone; got ![x](http://evil) $a$ <b> **c**") == (
        "part_1.parquet of run 1-a is gone; got !\\[x\\](http\\://evil) \\$a\\$ \\<b> \\*\\*c\\*\\*"
    )
