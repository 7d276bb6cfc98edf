"""The pages: one template each, with the same head and tabs."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

TABS: Mapping[str, str] = {
    "/lab": "Lab",
    "/runs": "Runs",
    "/distance": "Distance",
    "/claims": "Claims",
}
"""Addresses of the pages, by what their tabs say."""
_TEMPLATES = Environment(
    loader=PackageLoader("monge.app", "template"), undefined=StrictUndefined, autoescape=True, trim_blocks=True
)


def page(request: Request, template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
    """A page of the application.

    Arguments:
        template: file name in `template/`.
        given: what it shows.
    """
    token = request.app.state.token
    text = _TEMPLATES.get_template(template).render(tabs=TABS, here=request.url.path, token=token, **given)
    return HTMLResponse(text, status)
