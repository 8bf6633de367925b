"""The rules of the house, read from every file: who may import whom, who starts processes, who holds SQL."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("app", "engine", "store") for path in (ROOT / package).rglob("*.py"))
HEAVY = {"torch", "torchvision", "open_clip", "umap", "hnswlib", "sklearn", "numba", "timm", "transformers"}
# What the app may know of the engine: the settings of a run, the names of the operations, and the
# diagnostics, which read the log alone and never load torch.
SETTINGS = (
    "engine.config",
    "engine.settings",
    "engine.consistency.settings",
    "engine.datasets",
    "engine.density",
    "engine.diagnostics",
    "engine.maps",
    "engine.models.settings",
    "engine.operations",
    "engine.optimizers",
    "engine.selection",
    "engine.signals",
    "engine.strength",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported(path: Path, *, whenever: bool = True) -> set[str]:
    """The modules that a file imports, ours down to the module; whenever: inside functions too."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if whenever else iter(tree.body)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else str(node.module) for name in whole}
    return names


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("path", FILES, ids=[module_name(path) for path in FILES])
def test_imports_follow_the_house(path):
    package = module_name(path).split(".")[0]
    ours = {name for name in imported(path) if name.split(".")[0] in ("app", "engine", "store")}
    allowed = {"app": ("app", "store", *SETTINGS), "engine": ("engine", "store"), "store": ("store",)}
    assert not {name for name in ours if not within(name, allowed[package])}
    outside = {name.split(".")[0] for name in imported(path)} - {"app", "engine", "store"}
    if package != "engine":
        assert not outside & HEAVY
    if package != "app":
        assert not outside & {"streamlit", "plotly", "starlette", "typer", "rich"}


def test_no_module_imports_itself_in_a_circle():
    graph = {name: imported(path, whenever=False) & MODULES.keys() - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_only_launch_the_cell_the_fold_and_the_bench_start_processes():
    """The engine asks git for the commit, the console has its cell, fold and bench their own; nobody else."""
    starting = (
        "subprocess.run",
        "subprocess.Popen",
        "subprocess.check_output",
        "os.system",
        "os.execv",
        "os.fork",
    )
    calls = {
        name: {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        for name, path in MODULES.items()
    }
    assert {name for name in calls if calls[name] & set(starting)} == {
        "app.cell",
        "app.launch",
        "engine.bench.store_size",
        "engine.describe",
        "store.folding.beside",
    }


def test_only_the_store_holds_sql():
    for name, path in MODULES.items():
        if name.startswith("store"):
            continue
        nodes = ast.walk(ast.parse(path.read_text()))
        texts = [
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in texts if "SELECT " in text], name


def test_the_app_and_the_config_load_nothing_that_trains():
    names = [name for name in MODULES if name.startswith("app") and name != "app.main"]
    program = (
        f"import importlib, sys; [importlib.import_module(name) for name in {[*names, 'engine.config']!r}]; "
        f"loaded = {HEAVY!r} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
