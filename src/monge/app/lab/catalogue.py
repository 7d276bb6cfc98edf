"""What a lab can be asked for, as a page lists it."""

from typing import Any

from monge.app.lab.settings import MOST, options_of
from monge.config import registry
from monge.data.toy import TOYS


def catalogue() -> dict[str, Any]:
    """Distributions, and objectives with their options, by name."""
    data = {f"toy:{name}": {"text": registry.DATA[f"toy:{name}"].description} for name in TOYS}
    objectives = {
        name: {
            "text": entry.description,
            "options": options_of(name),
            "needs_classes": bool(entry.rule.get("conditional")),
        }
        for name, entry in registry.OBJECTIVES.items()
    }
    return {"data": data, "objectives": objectives, "most_objectives": MOST}
