"""SQL: any question to the tables of a run, its answer as a table, as a file and as a selection on the map.

A link to this page only fills the editor: what it would ask is for the person to read and to run.
"""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas import DataFrame

from app import cached, cards, cell, focus, markup, wording
from app.exporting import table_buttons
from app.studies import reading
from store.errors import RunIsForeign
from store.run import Run, default_root, find_run
from store.schema import TABLE_MEANINGS, TABLES, Column
from store.sql import console
from store.sql.console import Answer, QueryRefused
from store.sql.recipes import RECIPES

TITLE, ICON = "SQL", ":material/database:"

IN_URL = 2_000  # characters of a query; a longer one is left out of the address
HEIGHT = 420  # pixels of the answer
_EDITOR, _FILLED, _ANSWER = "sql_editor", "sql_filled", "sql_answer"
_ID_COLUMNS = {"epoch", "sample_id", "label", "true_label", "prediction"}


def render() -> None:
    """Draws the page."""
    cards.header(TITLE, "Ask the tables of the run anything. Nothing can be changed from here.")
    run = cards.run_with_epochs()
    if run is None:
        return
    cached.metrics(run)  # a run that is damaged says so before anybody writes a query
    _adopt()
    left, right = st.columns([2.2, 1], gap="small")
    with left:
        _editor(run)
        _result(run)
    with right:
        _tables(run)


def _adopt() -> None:
    """Fills the editor with the query of a newly opened link, at first with the first example."""
    asked = (focus.choice("sql") or "")[:IN_URL]
    if asked and asked != st.session_state.get(_FILLED):
        _fill(asked)
    elif _EDITOR not in st.session_state:
        st.session_state[_EDITOR] = st.session_state.get(_FILLED) or RECIPES[0].sql


def _fill(sql: str) -> None:
    """Shows a query in the editor and in the address."""
    st.session_state[_EDITOR] = st.session_state[_FILLED] = sql
    focus.choose("sql", sql if len(sql) <= IN_URL else None)


def _editor(run: Run) -> None:
    with st.container(border=True, gap="small", key="card_query"):
        with st.container(horizontal=True, gap="xsmall", key="sql_examples"):
            for place, recipe in enumerate(RECIPES):
                st.button(recipe.question, key=f"sql_example_{place}", on_click=_fill, args=(recipe.sql,))
        with st.form("sql_form", border=False, enter_to_submit=True):
            st.text_area(
                "Query", key=_EDITOR, height=200,
                help="One query in the SQL of DuckDB that only reads. DESCRIBE and SUMMARIZE work too.",
            )  # fmt: skip
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                is_asked = st.form_submit_button(
                    "Run", type="primary", icon=":material/play_arrow:", shortcut="Mod+Enter"
                )
                st.caption(
                    f"At most {console.SECONDS:g} s; the first {wording.count(console.SHOWN)} rows are shown"
                )
    if is_asked:
        sql = str(st.session_state[_EDITOR])
        st.session_state[_FILLED] = sql
        focus.choose("sql", sql if len(sql) <= IN_URL else None)
        with st.spinner("The query runs"):
            st.session_state[_ANSWER] = (run.id, sql, _answered(run, sql))


def _answered(run: Run, sql: str) -> Answer | str:
    """Returns the answer, or the sentence that says why there is none."""
    try:
        return console.ask(run, sql, process=cell.answer, mates=reading.mates(run))
    except (QueryRefused, RunIsForeign) as refusal:
        return str(refusal)


def _result(run: Run) -> None:
    run_id, sql, answer = st.session_state.get(_ANSWER, (None, "", None))
    if run_id != run.id or answer is None:
        cards.empty(
            "No query has been run on this run yet",
            "Its rows appear here. Pick an example or write a query, then press **Run**.",
        )
        return
    if isinstance(answer, str):
        st.error(markup.markdown(answer), icon=":material/error:")
        return
    with st.container(border=True, gap="xsmall", key="card_answer"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            cards.html(markup.head("Answer", _amount(answer)))
            _to_map(answer)
            _downloads(run, sql, answer)
        if len(answer.frame):
            st.dataframe(
                answer.frame, hide_index=True, height=HEIGHT if len(answer.frame) > 10 else "auto",
                column_config=_columns(answer.frame), key="sql_rows",
                alt=f"Answer to the query: {_amount(answer)}",
            )  # fmt: skip
        else:
            st.caption("The query ran and no row meets it. Loosen its WHERE or HAVING.")


def _amount(answer: Answer) -> str:
    """Returns how many rows and columns there are and how many of the rows are shown."""
    shown, columns = len(answer.frame), wording.plural(answer.frame.shape[1], "column")
    if answer.is_whole:
        return f"n = {wording.plural(shown, 'row')}, {columns}"
    total = (
        wording.count(answer.total) if answer.is_counted else f"more than {wording.count(answer.total - 1)}"
    )
    return f"the first {wording.count(shown)} of n = {total} rows, {columns}"


def _to_map(answer: Answer) -> None:
    ids = answer.sample_ids
    if ids and st.button(
        f"Select on the map ({wording.count(len(ids))})", icon=":material/scatter_plot:", key="sql_to_map",
        help="Makes the samples of the rows shown the selection of all pages",
    ):  # fmt: skip
        focus.select(ids)
        focus.go("map")


def _downloads(run: Run, sql: str, answer: Answer) -> None:
    most = f"at most {wording.count(console.DOWNLOADED)} rows"
    hint = "All rows" if answer.is_whole else f"Asks again for all rows, {most}"
    table_buttons.draw(f"query-{run.id}", partial(_all_rows, run.id, sql, answer), key="sql", hint=hint)


def _all_rows(run_id: str, sql: str, answer: Answer) -> DataFrame:
    if not answer.is_whole:
        run = find_run(default_root(), run_id)
        answer = console.ask(run, sql, process=cell.answer, mates=reading.mates(run), rows=console.DOWNLOADED)
    return answer.frame


def _columns(frame: DataFrame) -> dict[str, Any]:
    """Returns how columns named as in the schema are shown: with their meaning, ids without separators."""
    meanings = {column.name: column.meaning for columns in TABLES.values() for column in columns}
    return {
        name: st.column_config.NumberColumn(help=meanings[name], format="%d")
        if name in _ID_COLUMNS and pd.api.types.is_numeric_dtype(frame[name])
        else st.column_config.Column(help=meanings[name])
        for name in frame.columns
        if name in meanings
    }


def _tables(run: Run) -> None:
    with st.container(border=True, gap="xsmall", key="card_tables"):
        amount = wording.plural(len(reading.mates(run)), "run")
        cards.html(
            markup.head(
                "Tables",
                f"Each also as {console.STUDY}…, such as {console.STUDY}metrics: the rows of the {amount} of "
                "the study, with the run in front.",
            )
        )
        for name, columns in TABLES.items():
            with st.expander(f"**{name}** · {TABLE_MEANINGS[name]}", expanded=name == "history"):
                cards.html(_listed(columns))


def _listed(columns: tuple[Column, ...]) -> str:
    rows = "".join(
        f"<dt><code>{markup.text(column.name)}</code><small>{markup.text(column.type)}</small></dt>"
        f"<dd>{markup.text(column.meaning)}</dd>"
        for column in columns
    )
    return f'<dl class="ut-listed">{rows}</dl>'
