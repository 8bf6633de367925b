"""Every option of a run is reachable from JSON, command line and form; a form gives back what it got."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, model_validator
from streamlit.testing.v1 import AppTest

from app.new_run import assignments, fields, refusals
from app.new_run.fields import Setting
from engine import config
from engine.config import RunConfig

WIDGETS = ("number_input", "selectbox", "text_input", "text_area", "toggle")
SETTINGS = {setting.path: setting for setting in fields.reachable(fields.settings(RunConfig))}
LEAVES = [setting for setting in SETTINGS.values() if not setting.models]
MOST_KINDS = max(len(setting.models) for setting in SETTINGS.values())


# ---- every option, three ways


def schema_leaves(schema: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all values that a JSON schema allows: strategy.joint.keep; a chosen kind is none."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if "discriminator" in node:
        for kind, address in node["discriminator"]["mapping"].items():
            model = schema["$defs"][address.rpartition("/")[2]]
            inner = {name: value for name, value in model["properties"].items() if name != "kind"}
            yield from schema_leaves(schema, {"properties": inner}, f"{path}.{kind}")
    elif "properties" in node:
        for name, inner in node["properties"].items():
            yield from schema_leaves(schema, inner, f"{path}.{name}".lstrip("."))
    else:
        yield path


def needed(setting: Setting) -> dict[str, Any]:
    """By address, without what a setting is not there: the kinds around it, and what these must be given."""
    given: dict[str, Any] = {}
    for holder in SETTINGS.values():
        for kind in holder.models:
            if kind and f"{setting.path}.".startswith(f"{holder.path}.{kind}."):
                given[f"{holder.address}.kind"] = kind
                inner = holder.children(kind)
                given |= {
                    text.address: "x.csv" for text in inner if text.widget == "text" and not text.default
                }
    return given


def value_of(setting: Setting) -> Any:
    """A value that the setting takes, as JSON holds it."""
    if setting.widget == "pairs":
        return {"3": "5"}
    return "x.csv" if setting.default == "" else setting.default


def as_json(given: dict[str, Any]) -> dict[str, Any]:
    """Settings by address as a file holds them."""
    whole: dict[str, Any] = {}
    for address, value in given.items():
        *holders, name = address.split(".")
        part = whole
        for holder in holders:
            part = part.setdefault(holder, {})
        part[name] = value
    return whole


def as_assignments(address: str, value: Any) -> list[str]:
    """A value as a person types it behind --set."""
    if isinstance(value, dict):
        return [f"{address}.{name}={item}" for name, item in value.items()]
    text = "; ".join(value) if isinstance(value, list) else value
    return [f"{address}={text if isinstance(text, str) else json.dumps(text)}"]


def test_the_form_has_exactly_the_options_of_the_schema():
    schema = RunConfig.model_json_schema()
    assert {setting.path for setting in LEAVES} == set(schema_leaves(schema, schema))


@pytest.mark.parametrize("setting", LEAVES, ids=lambda setting: setting.path)
def test_json_and_the_command_line_take_every_option(setting: Setting):
    given = {**needed(setting), setting.address: value_of(setting)}
    typed = [text for address, value in given.items() for text in as_assignments(address, value)]
    from_json = config.parse(as_json(given))
    assert config.parse({}, typed) == from_json
    again = assignments.assignments(RunConfig, from_json.model_dump(mode="json"))
    assert config.parse({}, again) == from_json, "the command line that the app shows makes another run"


def _draw_everything() -> None:
    import streamlit

    from app.new_run.form import Form
    from engine.config import RunConfig

    form = Form(RunConfig, {}, key="form")
    form.draw(*RunConfig.model_fields)
    streamlit.session_state["errors"] = form.errors


def widgets(at: AppTest) -> dict[str, Any]:
    """What a page of widgets shows, by the path of its setting."""
    found = [element for kind in WIDGETS for element in at.get(kind)]
    return {element.key.partition(":")[2]: element.value for element in found}


def test_the_form_has_a_widget_for_every_option_and_shows_its_value():
    shown: dict[str, Any] = {}
    for place in range(MOST_KINDS):
        at = AppTest.from_function(_draw_everything, default_timeout=60)
        for setting in SETTINGS.values():
            if setting.widget == "kinds":
                kinds = list(setting.models)
                at.session_state[f"form:{setting.path}"] = kinds[min(place, len(kinds) - 1)]
        at.run()
        assert not at.exception, at.exception
        shown |= widgets(at)
    assert [setting.path for setting in LEAVES if setting.path not in shown] == []
    for setting in LEAVES:
        if setting.widget not in ("lines", "pairs"):
            assert shown[setting.path] == setting.default, setting.path


def test_every_option_says_what_it_does():
    assert [setting.path for setting in LEAVES if not setting.description and setting.name != "kind"] == []


@pytest.mark.parametrize("annotation", [complex, set[str], dict[str, list[complex]], Any, int | str])
def test_a_type_that_no_widget_can_show_is_refused(annotation: Any):
    model = type("Toy", (BaseModel,), {"__annotations__": {"odd": annotation}})
    with pytest.raises(TypeError, match="odd must be of a type that a form can show"):
        list(fields.settings(model))


# ---- a model with everything in it


class Round(BaseModel):
    """Goes round. This is said of it.

    This is not.
    """

    kind: Literal["round"] = "round"
    radius: float = Field(0.5, gt=0, le=1, description="how far it reaches")


class Square(BaseModel):
    """Has corners."""

    kind: Literal["square", "oblong"] = "square"
    side: int = Field(3, ge=1, le=9, description="how long it is")


class Bounds(BaseModel):
    """Two that must be in order."""

    low: int = Field(1, description="the smaller")
    high: int = Field(2, description="the larger")

    @model_validator(mode="after")
    def _in_order(self) -> "Bounds":
        if self.high <= self.low:
            raise ValueError(f"high must be above low = {self.low}")
        return self


class Toy(BaseModel):
    """Everything that a form can hold."""

    name: str = Field("", max_length=5, description="a name")
    shape: Annotated[Round | Square, Field(discriminator="kind")] = Field(Round(), description="a shape")
    bounds: Bounds = Field(Bounds(), description="ends")
    limit: int | None = Field(None, ge=0, description="at most so many")
    words: tuple[str, ...] = Field(("one", "two"), description="words")
    pairs: dict[str, float] = Field({}, description="numbers by name")

    @model_validator(mode="after")
    def _fits(self) -> "Toy":
        if self.name == "round" and self.shape.kind != "round":
            raise ValueError("round things must have a shape that is round")
        return self


def test_a_choice_of_kinds_has_one_sentence_each():
    (shape,) = (setting for setting in fields.settings(Toy) if setting.name == "shape")
    assert list(shape.models) == ["round", "square", "oblong"]
    assert shape.sentence("round") == "Goes round. This is said of it."
    (radius,) = shape.children("round")
    assert (radius.path, radius.address) == ("shape.round.radius", "shape.radius")
    assert radius.help == "How far it reaches. Default 0.5; above 0, at most 1"
    assert radius.step == 0.1


def test_every_refusal_stands_at_its_own_setting_and_all_are_said_at_once():
    made, errors = refusals.checked(
        Toy,
        {
            "name": "round",
            "shape": {"kind": "square", "side": 0},
            "bounds": {"low": 3, "high": 2},
            "limit": -1,
            "pairs": ["nonsense"],
        },
    )
    assert made is None
    assert errors == {
        "shape.square.side": "must be at least 1; got 0",
        "bounds.high": "high must be above low = 3",
        "limit": "must be at least 0; got -1",
        "pairs": "must be pairs of a name and a value; got ['nonsense']",
    }


def test_a_rule_between_parts_stands_at_the_part_that_its_sentence_names_first():
    _, errors = refusals.checked(Toy, {"name": "round", "shape": {"kind": "oblong"}})
    assert errors == {"shape": "round things must have a shape that is round"}


def test_joint_selection_without_an_encoder_is_refused_beside_the_encoder_and_other_refusals():
    values = {"strategy": {"kind": "joint"}, "consistency": {"kind": "none"}, "density": {"k": 30, "ef": 20}}
    _, errors = refusals.checked(RunConfig, values)
    assert set(errors) == {"consistency", "density.ef"}
    assert "ef must be larger than k = 30" in errors["density.ef"]


def _draw_toy() -> None:
    import importlib

    import streamlit

    from app.new_run.form import Form

    toy = importlib.import_module(streamlit.session_state["module"]).Toy
    start = {"name": "me", "shape": {"kind": "oblong", "side": 7}, "limit": 4, "pairs": {"a": 1.5, "b": 2}}
    form = Form(toy, start, key="toy")
    form.lead("shape")
    form.draw("name", "bounds", "limit", "words", "pairs")
    streamlit.session_state["made"] = form.config and form.config.model_dump(mode="json")


@pytest.fixture
def toy() -> AppTest:
    at = AppTest.from_function(_draw_toy, default_timeout=60)
    at.session_state["module"] = __name__
    return at.run()


def made(at: AppTest) -> Any:
    assert not at.exception, at.exception
    return at.session_state["made"]


def test_a_form_gives_back_what_it_started_from(toy: AppTest):
    assert made(toy) == {
        "name": "me",
        "shape": {"kind": "oblong", "side": 7},
        "bounds": {"low": 1, "high": 2},
        "limit": 4,
        "words": ["one", "two"],
        "pairs": {"a": 1.5, "b": 2.0},
    }


def test_a_form_says_what_its_widgets_say(toy: AppTest):
    toy.selectbox(key="toy:shape").set_value("round").run()
    toy.number_input(key="toy:shape.round.radius").set_value(0.25)
    toy.toggle(key="toy:limit?").set_value(False)
    toy.text_area(key="toy:words").set_value("three\n\n four ")
    toy.text_area(key="toy:pairs").set_value("c = 3, d=4").run()
    said = made(toy)
    assert said["shape"] == {"kind": "round", "radius": 0.25}
    assert said["limit"] is None
    assert said["words"] == ["three", "four"]
    assert said["pairs"] == {"c": 3.0, "d": 4.0}


def test_a_refused_value_is_said_beside_its_field(toy: AppTest):
    toy.number_input(key="toy:bounds.high").set_value(0)
    toy.text_area(key="toy:pairs").set_value("c").run()
    assert made(toy) is None
    drawn = "".join(element.proto.body for element in toy.get("html"))
    assert "high must be above low = 1" in drawn
    assert "must be pairs of a name and a value" in drawn
