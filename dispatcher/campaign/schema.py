"""The JSON Schema that editors use for `campaigns/*.yaml`: `python -m dispatcher.campaign.schema --write`.

The loader is stricter than the schema; what only the loader finds, `campaign validate` reports.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from dispatcher.campaign.model import Campaign

FILE: Final = Path("campaigns/_schema/campaign.schema.json")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def campaign_schema() -> dict[str, Any]:
    """For the file as written: before a step takes over the campaign's route."""
    schema: dict[str, Any] = _tidied(Campaign.model_json_schema(mode="validation"))
    schema["$defs"]["Step"]["required"].remove("route")
    return {"$schema": DIALECT, "title": "Campaign", **schema}


def schema_text() -> str:
    return json.dumps(campaign_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidied(node: Any) -> Any:
    """Without titles made from names, and without empty defaults, which only make noise in an editor."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    noise = {key for key in ("title", "default") if _is_noise(key, node.get(key))}
    kept = {key: value for key, value in node.items() if key not in noise}
    for key in ("properties", "$defs"):
        if key in kept:
            kept[key] = {name: _tidied(value) for name, value in kept[key].items()}
    return {key: value if key in ("properties", "$defs") else _tidied(value) for key, value in kept.items()}


def _is_noise(key: str, value: Any) -> bool:
    if key == "title":
        return isinstance(value, str)
    return value in (None, "", []) or isinstance(value, dict)


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(schema_text(), encoding="utf-8")
    else:
        sys.stdout.write(schema_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
