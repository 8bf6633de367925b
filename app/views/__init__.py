"""The pages, in the order on screen: a page is one module with TITLE, ICON and render(), and one line here.

The name of the module is its address, with - for _, so links between pages survive a change of title.
"""

from types import ModuleType

from app.views import ablations, new_run, noise, overview, runs, samples, sql, studies
from app.views import map as map_view

SECTIONS: dict[str, tuple[ModuleType, ...]] = {
    "Train": (runs, new_run, studies),
    "Explore": (overview, map_view, samples, noise),
    "Compare": (ablations,),
    "Data": (sql,),
}
VIEWS: tuple[ModuleType, ...] = tuple(view for views in SECTIONS.values() for view in views)


def address(view: ModuleType) -> str:
    """Returns the path of a page's URL."""
    return view.__name__.rpartition(".")[2].replace("_", "-")
