"""Which runs a person means by what was typed: an id, a beginning of one, or the name of a study.

Folders are chosen and not open runs, so that a run that cannot be read is found like any other.
"""

from collections.abc import Sequence
from pathlib import Path

from app import wording
from app.exits import Refusal
from store import files
from store.errors import RunNotFound
from store.run import default_root, run_folders

_TOLD = 5  # ids in a sentence that asks for a longer beginning


def root(runs: Path | None) -> Path:
    """Returns the folder of the runs that was asked for, else the default."""
    return (runs or default_root()).absolute()


def several(root: Path, names: Sequence[str]) -> list[Path]:
    """Returns the folders that the names mean, each once, in this order.

    Raises RunNotFound where a name means nothing, Refusal where it is the beginning of several ids.
    """
    folders = run_folders(root)
    return list(dict.fromkeys(folder for name in names for folder in _meant(root, folders, name)))


def several_or_all(root: Path, names: Sequence[str], *, every: bool) -> list[Path]:
    """Returns the folders that the names mean, or every one; Refusal where both or nothing is asked for."""
    if every == bool(names):
        got = "names and --all" if every else "nothing"
        raise Refusal(f"say which runs: their ids, the name of a study, or --all; got {got}")
    if every:
        return _all(root)
    return several(root, names)


def one(root: Path, name: str) -> Path:
    """Returns the one folder that a name means; Refusal where it means a study of several runs."""
    found = _meant(root, run_folders(root), name)
    if len(found) > 1:
        raise Refusal(f"study {name!r} has {len(found)} runs; name one of them: {_ids(found)}")
    return found[0]


def nothing(root: Path) -> str:
    """Says that there is no run in the folder, or no folder, and what to do."""
    if not root.is_dir():
        return f"There is no folder {root}; name another with --runs, or start a run with: undertow demo"
    return f"There are no runs in {root}; start some with: undertow demo, or undertow train"


def study_of(folder: Path) -> str:
    """Returns the study that a run names, "" where it is of none or cannot be read."""
    return str((files.read_json(folder / "config.json") or {}).get("study") or "")


def _all(root: Path) -> list[Path]:
    found = run_folders(root)
    if not found:
        raise RunNotFound(nothing(root))
    return found


def _meant(root: Path, folders: Sequence[Path], name: str) -> list[Path]:
    exact = [folder for folder in folders if folder.name == name]
    found = exact or [folder for folder in folders if name and study_of(folder) == name]
    if found:
        return found
    if not folders:
        raise RunNotFound(nothing(root))
    begun = [folder for folder in folders if name and folder.name.startswith(name)]
    if not begun:
        raise RunNotFound(
            f"no id of a run in {root} begins with {name!r} and no study is called so; "
            "undertow runs list names what there is"
        )
    if len(begun) > 1:
        raise Refusal(f"{name!r} begins {wording.plural(len(begun), 'id')}; write more of it: {_ids(begun)}")
    return begun


def _ids(folders: Sequence[Path]) -> str:
    told = ", ".join(folder.name for folder in folders[:_TOLD])
    return f"{told}, …" if len(folders) > _TOLD else told
