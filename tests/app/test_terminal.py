"""What the terminal is told stays readable in 80 columns."""

import pytest
from pandas import DataFrame
from rich.console import Console

from app import terminal

RESULTS = DataFrame(
    {
        "Method": ["joint 50 % + SADA", "all samples + random strength"],
        "n seeds": ["3", "3"],
        "Test accuracy": ["98.7 ± 0.6 %", "98.4 ± 0.4 %"],
        "Back-propagated": ["15,079", "28,740"],
        "Flipped among kept": ["2.6 %", "10.0 %"],
        "Flipped in the data": ["10.0 %", "10.0 %"],
    }
)


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_and_no_word_of_its_head_is_broken(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=width))
    terminal.show(RESULTS)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= width
    for piece in ("Back-propagated", "98.7 ± 0.6 %", "98.4 ± 0.4 %", "28,740", "seeds", "accuracy"):
        assert piece in said
