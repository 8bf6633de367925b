"""What a row of the list of runs says: name, progress, accuracy and cost as HTML.

Every number stands in the same place in every row, so that runs can be compared by eye.
"""

from app import markup, naming, wording
from app.runs import cost
from app.studies.members import Member
from store import status as statuses


def about(member: Member) -> str:
    """Returns name, state and settings of a run."""
    return (
        f'<div class="ut-name"><b title="{markup.text(member.name)}">{markup.text(member.name)}</b>'
        f"{markup.state(member.status.state)}{markup.chips(naming.chips(member.config))}</div>"
    )


def numbers(member: Member, spent: cost.Cost, *, place: str = "") -> str:
    """Returns progress, accuracy and cost of a run; place: where it stands in the queue."""
    return f'<div class="ut-run">{_progress(member, place)}{_accuracy(member)}{_cost(spent)}</div>'


def _progress(member: Member, place: str) -> str:
    status = member.status
    done, epochs = len(member.metrics), member.epochs
    says = f"{done} of {epochs} epochs" if epochs else wording.plural(done, "epoch")
    words = [f"<b>{markup.text(says)}</b>"]
    if status.is_alive and epochs:
        left = cost.seconds_left(member.metrics, status)
        words.append(f"{wording.duration(left)} left" if wording.is_known(left) else "estimating")
    return (
        f"<div>{' · '.join(words)}{markup.bar(member.progress, state_name=status.state, says=says)}"
        f'<span class="ut-muted">{markup.text(_phase(member, place)) or "&nbsp;"}</span></div>'
    )


def _phase(member: Member, place: str) -> str:
    status = member.status
    if status.state == "queued":
        return place or "waiting for a free slot"
    if status.state == "stalled":
        silent = statuses.silence(status)
        asked = "; it was asked to stop" if member.run.stop_requested() else ""
        return f"silent for {wording.duration(silent)} while {status.phase or 'at work'}{asked}"
    if status.is_alive and status.phase:
        share = f", {wording.setting_percent(round(status.share, 2))}" if status.share is not None else ""
        return f"{status.phase}{share}"
    return "" if status.state == "failed" else status.message


def _accuracy(member: Member) -> str:
    values = member.metrics["test_accuracy"].dropna().tolist()
    last = wording.percent(values[-1]) if values else wording.UNKNOWN
    line = markup.sparkline(values, says=f"test accuracy over {len(values)} epochs, last {last}")
    return (
        f'<div class="ut-accuracy">{line}<span title="test accuracy, last measured"><b>{last}</b>'
        f'<br><span class="ut-muted">test accuracy</span></span></div>'
    )


def _cost(spent: cost.Cost) -> str:
    against = f"back-propagated samples saved against {spent.against}" if spent.against else ""
    pairs = (
        (wording.count(spent.forwarded), "forwarded", "training samples passed forward, refreshes included"),
        (wording.count(spent.backpropagated), "back-propagated", "training samples passed backward"),
        (wording.duration(spent.seconds), "of work", "wall time of all epochs"),
        (wording.percent(spent.saved), "saved", against),
    )
    cells = (
        f'<span>{value}</span><span title="{markup.text(hint)}">{name}</span>' for value, name, hint in pairs
    )
    return f'<div class="ut-cost">{"".join(cells)}</div>'
