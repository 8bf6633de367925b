"""What a selection on the map is made of: how many, of which classes, their pictures and their numbers.

It stands beside the map at the same height whether something is selected or not, so that nothing jumps.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st
from pandas import DataFrame, Series

from app import cards, focus, gallery, links, markup, picture, wording
from store import queries, schema
from store.run import Run

THUMBNAILS = 48
THUMBNAIL_SIDE = 148  # pixels of the picture of a single sample
CLASSES = 10  # shown by name, the rest as one line
ROWS = 5000  # of the table on screen; the download has all
TRAILS = 50  # as many selected samples trail their last positions; picture.js says the same

_TABLE = ("sample_id", "label", "mean_margin", "kept_share", "consistency")
_NOW = ("selected", "prediction", "loss")


def show(run: Run, ids: Sequence[int], epoch: int) -> None:
    """Draws the selected samples as they are at an epoch, or what to do to select some."""
    chosen = _chosen(run, run.data_version(), epoch, tuple(ids)) if ids else DataFrame()
    if chosen.empty:
        _nothing_selected()
    elif len(chosen) == 1:
        _one(run, chosen.iloc[0], epoch)
    else:
        _numbers(chosen, epoch)
        cards.html(class_mix(Counter(chosen["name"])))
        _pictures(run, chosen, epoch)
        _table(chosen, epoch)


@lru_cache(maxsize=4)
def _chosen(run: Run, version: str, epoch: int, ids: tuple[int, ...]) -> DataFrame:  # noqa: ARG001 - a key
    """One row a sample: its summary up to the epoch and what it is in the epoch; lowest mean margin first."""
    names = run.about().get("class_names", [])
    now = queries.epoch_rows(run, epoch, _NOW, ids)[["sample_id", *_NOW]]
    means = queries.summary(run, epoch, ids, (*_TABLE, "true_label"))
    chosen = means.merge(now, on="sample_id").sort_values("mean_margin")
    return chosen.assign(name=[_class_name(names, label) for label in chosen["label"]])


def class_mix(counts: Counter[str]) -> str:
    """Returns classes with their counts as HTML bars, the most frequent first, rare ones in one line."""
    shown = counts.most_common(CLASSES)
    rows = "".join(
        f"<span>{markup.text(name)}</span><i style='width:{100 * count / shown[0][1]:.1f}%'></i>"
        f"<b>{wording.count(count)}</b>"
        for name, count in shown
    )
    if len(counts) > CLASSES:
        rest = counts.total() - sum(count for _, count in shown)
        others = wording.plural(len(counts) - CLASSES, "other", "others")
        rows += f"<span>{others}</span><i></i><b>{wording.count(rest)}</b>"
    says = ", ".join(f"{name} {count}" for name, count in shown)
    return f"{_STYLE}<div class='ut-mix' role='img' aria-label='classes: {markup.text(says)}'>{rows}</div>"


def _nothing_selected() -> None:
    st.markdown("**Nothing selected**")
    st.caption(
        "Drag a lasso around points to list their thumbnails and numbers, or click a point to see its "
        f"sample. Up to {TRAILS} selected samples trail their last positions."
    )
    cards.html(_KEYS)


def _numbers(chosen: DataFrame, epoch: int) -> None:
    selected, kept, third = st.columns(3, gap="small")
    kept_share = float(chosen["selected"].fillna(False).astype(bool).mean())
    selected.metric(
        "Selected", wording.count(len(chosen)), help="samples inside the lasso, counted by the server"
    )
    kept.metric("Kept", wording.percent(kept_share), help=f"share of them that epoch {epoch} trains on")
    known = chosen["true_label"].notna()
    if known.any():
        flipped = (chosen["label"] != chosen["true_label"])[known].mean()
        third.metric(
            "Flipped", wording.percent(float(flipped)), help="share of them whose label is known to be wrong"
        )
    else:
        meaning = schema.column("samples", "consistency").meaning
        third.metric(
            "Consistency", wording.number(float(chosen["consistency"].mean())), help=f"mean: {meaning}"
        )


def _one(run: Run, sample: Series, epoch: int) -> None:
    """Draws the one selected sample larger, with what it is in the epoch."""
    sample_id, names = int(sample["sample_id"]), run.about().get("class_names", [])
    st.markdown(f"**Sample {sample_id}**")
    with st.container(width=THUMBNAIL_SIDE):
        cards.html(picture.picture(run, sample_id, says=f"sample {sample_id}, labelled {sample['name']}"))
    facts = {
        "Label": sample["name"],
        "True label": _class_name(names, sample["true_label"]),
        f"Prediction in epoch {epoch}": _class_name(names, sample["prediction"]),
        f"Loss in epoch {epoch}": wording.number(sample["loss"]),
        f"In epoch {epoch}": "kept" if sample["selected"] is True or sample["selected"] == 1 else "dropped",
        "Consistency": wording.number(sample["consistency"]),
        "Mean margin": wording.number(sample["mean_margin"]),
        "Kept so far": wording.percent(sample["kept_share"]),
    }
    cards.html(markup.facts(facts))
    if st.button("Open its page", icon=":material/open_in_new:", key="map_open_sample", width="stretch"):
        focus.go("samples", sample=sample_id, epoch=epoch)


def _pictures(run: Run, chosen: DataFrame, epoch: int) -> None:
    shown = chosen.head(THUMBNAILS)
    which = "" if len(shown) == len(chosen) else f"{len(shown)} of {wording.count(len(chosen))}: "
    st.caption(f"{which}label and mean margin, lowest first")
    links.draw(gallery.gallery(run, shown, _caption, epoch=epoch), key="map_gallery")


def _caption(row: object) -> tuple[str, str]:
    return str(getattr(row, "name", "")), wording.number(getattr(row, "mean_margin", None))


def _table(chosen: DataFrame, epoch: int) -> None:
    table = chosen.assign(label=chosen["name"])[list(_TABLE)]
    cards.head("Selected samples", f"means over epochs 0 to {epoch}", table=table)
    st.dataframe(
        table.head(ROWS),
        hide_index=True,
        height=220 if len(table) > 5 else "content",
        column_config={
            "sample_id": st.column_config.NumberColumn("Sample", format="%d"),
            "label": st.column_config.TextColumn("Label"),
            "consistency": st.column_config.NumberColumn("Consistency", format="%.3f"),
            "mean_margin": st.column_config.NumberColumn(
                "Margin", format="%.2f", help="mean over epochs (AUM)"
            ),
            "kept_share": st.column_config.NumberColumn(
                "Kept", format="percent", help="share of epochs that kept it"
            ),
        },
        alt=f"{len(table)} selected samples with label, consistency, mean margin and kept share",
    )


def _class_name(names: list[str], label: float) -> str:
    return names[int(label)] if 0 <= label < len(names) else wording.UNKNOWN


_STYLE = """<style>
.ut-mix { display: grid; grid-template-columns: auto 1fr auto; gap: 1px 8px; align-items: center; }
.ut-mix span { color: var(--ut-muted); max-width: 12ch; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.ut-mix i { height: 8px; border-radius: 4px; background: var(--ut-kept); }
.ut-mix b { text-align: right; }
.st-key-map_panel [data-testid="stMetricValue"] { font-size: 1.15rem; }
</style>"""
_KEYS = """<style>
.ut-keys { display: grid; grid-template-columns: auto 1fr; gap: 6px 12px; color: var(--ut-muted); }
.ut-keys kbd { font: 600 0.78rem JBMono, monospace; color: var(--ut-text); border: 1px solid var(--ut-border);
  border-radius: 4px; padding: 1px 5px; }
</style><div class="ut-keys">
<span><kbd>space</kbd></span><span>play or pause the epochs</span>
<span><kbd>←</kbd> <kbd>→</kbd></span><span>one epoch back or on</span>
<span><kbd>L</kbd> <kbd>P</kbd></span><span>lasso, pan</span>
<span><kbd>D</kbd></span><span>density with contours</span>
<span><kbd>0</kbd></span><span>show the whole map</span>
<span><kbd>Esc</kbd></span><span>clear the selection</span>
</div>"""
