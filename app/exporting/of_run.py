"""The report of one run: what it reached and cost, what is worth a look, charts, suspects and settings."""

import json

from pandas import DataFrame

from app import cached, markup, naming, theme, wording
from app.exporting import document
from app.overview import badges, run_facts, run_panels
from app.runs import cost
from app.samples import sample_life
from store.run import Run

SUSPECTS = 24


def report(run: Run) -> str:
    """Returns the report of a run with at least one epoch as one HTML file."""
    config, metrics, samples = run.config(), cached.metrics(run), run.about().get("n")
    epoch, palette = int(metrics["epoch"].iloc[-1]), theme.LIGHT
    stats = {signal: cached.epoch_stats(run, signal) for signal in ("strength", "variance")}
    panels = [
        *run_panels.learning(metrics, palette, samples=samples, epoch=epoch),
        run_panels.noise(cached.kept_noise(run), palette, config=config, epoch=epoch),
        *run_panels.augmentation(stats, metrics, palette, epoch=epoch),
        *run_panels.engine_room(metrics, palette, epoch=epoch),
    ]
    found = badges.content(run, cached.badges(run), run.about().get("notes", []), is_linked=False)
    status = markup.state(run.status().state) + markup.chips(naming.chips(config))
    return document.document(
        naming.run_title(config),
        [document.card(status, markup.facts(_reached(metrics, samples)))],
        [
            ("Worth a look", document.card(badges.STYLE, found)),
            ("Epoch by epoch", document.panels(panels)),
            ("Suspicious labels", _suspects(run, epoch)),
            ("How it was made", document.card(markup.facts(run_facts.facts(run)), _settings(config))),
        ],
    )


def _reached(metrics: DataFrame, samples: int | None) -> dict[str, object]:
    last, spent = metrics.iloc[-1], cost.cost(metrics, samples=samples)
    return {
        "Epochs recorded": len(metrics),
        "Test accuracy of the last epoch": wording.percent(last["test_accuracy"]),
        "Kept in the last epoch": f"{wording.count(last['kept'])} of {wording.count(samples)} samples",
        "Back-propagated samples": wording.count(spent.backpropagated),
        "Forwarded samples": wording.count(spent.forwarded),
        "Time": wording.duration(spent.seconds),
    }


def _suspects(run: Run, epoch: int) -> str:
    """Returns the samples of lowest mean rank with picture and numbers."""
    worst = cached.suspects(run, "mean_rank", SUSPECTS)
    note = (
        f"The {len(worst)} samples of lowest mean rank over the rankings that the run has, after epoch "
        f"{epoch}: suspects, not findings. Label → last prediction, where that is another class"
    )
    names = run.about().get("class_names", [])
    captioned = [
        (int(sample_id), _caption(sample_life.class_name(names, label), sample_life.class_name(names, other)))
        for sample_id, label, other in zip(
            worst["sample_id"], worst["label"], worst["last_prediction"], strict=True
        )
    ]
    shown = document.pictures(run.thumbnails(), captioned)
    return document.card(markup.head("Top suspects by mean rank", note), shown)


def _caption(label: str, other: str) -> str:
    return label if other in (label, wording.UNKNOWN) else f"{label} → {other}"


def _settings(config: naming.Settings) -> str:
    return document.fold("Settings as JSON", f"<pre>{markup.text(json.dumps(config, indent=2))}</pre>")
