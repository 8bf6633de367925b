"""Everything that Run overview shows as one archive: tables as CSV, settings and environment as JSON.

Made in memory when somebody asks for it; the tables are those of the charts, so that a figure elsewhere can
be drawn from the same numbers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from pandas import DataFrame

from engine.diagnostics import Badge


def archive(
    tables: Mapping[str, DataFrame],
    documents: Mapping[str, Mapping[str, Any]],
    badges: Sequence[Badge],
) -> bytes:
    """Returns a ZIP file: a CSV for each table and for the badges, a JSON for each document; by name."""
    found = DataFrame([asdict(badge) | {"ids": " ".join(map(str, badge.ids))} for badge in badges])
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as whole:
        for name, table in {**tables, "diagnostics": found}.items():
            whole.writestr(f"{name}.csv", table.to_csv(index=False))
        for name, document in documents.items():
            whole.writestr(f"{name}.json", json.dumps(document, indent=2, ensure_ascii=False))
    return written.getvalue()
