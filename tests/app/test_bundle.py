"""The archive of a run holds what the page shows and can be read back."""

import json
from io import BytesIO
from zipfile import ZipFile

import pandas as pd
from pandas import DataFrame

from app.overview import bundle
from engine.diagnostics import Badge

BADGE = Badge("Name", "red", "1 %", "A sentence, with a comma.", 3, "samples", "how", "noise", (2, 7))


def test_tables_badges_and_settings_can_be_read_back() -> None:
    metrics = DataFrame({"epoch": [0, 1], "test_accuracy": [0.5, None]})
    written = bundle.archive({"metrics": metrics}, {"settings": {"seed": 3, "name": "é"}}, [BADGE])
    with ZipFile(BytesIO(written)) as whole:
        assert sorted(whole.namelist()) == ["diagnostics.csv", "metrics.csv", "settings.json"]
        pd.testing.assert_frame_equal(pd.read_csv(whole.open("metrics.csv")), metrics)
        assert json.loads(whole.read("settings.json")) == {"seed": 3, "name": "é"}
        (row,) = pd.read_csv(whole.open("diagnostics.csv")).to_dict("records")
    assert (row["sentence"], row["ids"]) == ("A sentence, with a comma.", "2 7")
