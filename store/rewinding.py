"""Going back to an epoch: what was recorded after it is dropped, so that a resumed run writes it again.

Parts go newest first, so that a reader in between sees a shorter run and never one with a hole.
"""

from pathlib import Path

from store import files, manifest, parts


def rewind(folder: Path, epoch: int) -> None:
    """Drops parts, maps and folded rows of every later epoch; readers see one state or the other."""
    with files.locked(folder / manifest.FOLD_LOCK, wait=True):
        now = manifest.read_manifest(folder)
        for later in reversed([found for found in manifest.numbered(folder / "parts") if found > epoch]):
            parts.remove_parts(folder, later)
        parts.remove_uncommitted(folder, epoch)
        for later in manifest.numbered(folder / "maps"):
            if later > epoch:
                manifest.map_path(folder, later).unlink(missing_ok=True)
        if now.folded > epoch:
            from store.folding import fold

            fold.refold(folder, epoch)
