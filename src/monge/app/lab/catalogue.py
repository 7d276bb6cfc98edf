"""What a lab can be asked for, as a page lists it."""

from typing import Any

from monge.app.lab.settings import DEEPEST, DEFAULTS, LIVE, MOST, WIDEST, options_of
from monge.app.lab.view import VIEWS
from monge.config import registry
from monge.data.toy import TOYS


def catalogue() -> dict[str, Any]:
    """Distributions, objectives with their options, views, and limits, by name."""
    data = {f"toy:{name}": {"text": registry.DATA[f"toy:{name}"].description} for name in TOYS}
    objectives = {
        name: {
            "text": entry.description,
            "options": options_of(name),
            "needs_classes": bool(entry.rule.get("conditional")),
        }
        for name, entry in registry.OBJECTIVES.items()
    }
    limits = {"objectives": MOST, "width": WIDEST, "depth": DEEPEST}
    return {
        "data": data,
        "objectives": objectives,
        "views": [*VIEWS, "distances"],
        "live": list(LIVE),
        "defaults": dict(DEFAULTS),
        "limits": limits,
    }
