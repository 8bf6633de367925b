"""Settings: what the groups differ in, side by side, and what makes comparing them unfair.

Seed, name and study are no settings of a method and are left out; of a group its first run speaks for all.
"""

from collections.abc import Sequence

import streamlit as st
from pandas import DataFrame

from app import cards, markup, naming, wording
from app.ablations import choices, unfair
from app.ablations.groups import Group

TITLE = "Settings"


def render(groups: Sequence[Group]) -> None:
    """Draws the section."""
    _fairness(groups)
    is_all = choices.switched("All settings", "every", hint="Show settings too in which all groups agree")
    rows = compared(groups, is_all=is_all)
    differ = int(rows["Differs"].sum())
    shown = rows if is_all else rows.drop(columns="Differs")
    if is_all:
        shown = shown.assign(Differs=["yes" if differs else "" for differs in rows["Differs"]])
    with st.container(border=True, gap="xsmall", key="card_settings"):
        cards.head(
            "Settings side by side",
            f"{wording.plural(differ, 'setting')} in which {wording.plural(len(groups), 'group')} differ, "
            f"beside seed, name and study. {wording.UNKNOWN} = the group has no such setting",
            table=shown,
        )
        if len(groups) < 2 and not is_all:
            st.caption("One group has nothing to differ from: choose another run or study above.")
        elif len(shown):
            cards.html(markup.wide(markup.table(shown, says="Settings of the groups side by side")))
        else:
            st.caption("The groups agree in every setting that both know.")


def compared(groups: Sequence[Group], *, is_all: bool = False) -> DataFrame:
    """Returns one row a setting with its text in each group: Setting, a column a group, Differs.

    is_all: those too in which the groups agree.
    """
    flat = [naming.flat(naming.of_method(group.members[0].config)) for group in groups]
    addresses = dict.fromkeys(address for settings in flat for address in settings)
    rows = []
    for address in addresses:
        values = [settings.get(address, wording.UNKNOWN) for settings in flat]
        differs = len(set(values)) > 1
        if differs or is_all:
            rows.append([address, *values, differs])
    return DataFrame(rows, columns=["Setting", *(group.name for group in groups), "Differs"])


def _fairness(groups: Sequence[Group]) -> None:
    sentences = unfair.sentences(groups)
    with st.container(border=True, gap="xsmall", key="card_fairness"):
        cards.head("Is the comparison fair?", "What the runs say about data, machine and versions")
        if sentences:
            listed = "\n".join(f"- {markup.markdown(sentence)}" for sentence in sentences.values())
            st.warning(listed, icon=":material/warning:")
        else:
            st.caption(
                "Same data, noise, epochs, model, commit, versions, device and precision, as far as known."
            )
