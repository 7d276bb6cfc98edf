"""How `make docs` builds the pages in this folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

import monge

project = "monge"
author = "The monge authors"
project_copyright = "the monge authors; MIT licence"
release = monge.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "*.head.md"]  # the head is a part of objectives.md
highlight_language = "none"
default_role = "code"  # docstrings mark code as Markdown does

html_theme = "furo"
html_title = f"monge {release}"
html_static_path = ["_static"]
html_css_files = ["monge.css"]
html_copy_source = html_show_sphinx = False
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_allow_digits = False  # "from $5 to $10" is no formula

nb_execution_mode = "cache"  # a notebook runs again when one of its cells has changed
nb_execution_timeout = 600
nb_execution_raise_on_error = nb_execution_in_temp = nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes and units, which types do not
napoleon_attr_annotations = False
napoleon_custom_sections = [("Attributes", "params_style")]

HERE = Path(__file__).parent
UPWARDS = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]+)\)")


def paths_for_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Names the path of what lies outside this folder, which a built page cannot link to."""

    def path(found: re.Match[str]) -> str:
        target = (HERE / page).parent.joinpath(found[2]).resolve()
        if target.is_relative_to(HERE):
            return found[0]
        name = target.relative_to(HERE.parent)
        return f"`{name}`" if found[1].strip("`") == str(name) else f"{found[1]} (`{name}`)"

    source[0] = UPWARDS.sub(path, source[0])


def mathml(block: bool) -> tuple[Callable[[Any, Any], None], None]:
    """Writes formulas as MathML, which browsers show without a script and without a network."""

    def visit(translator: Any, node: Any) -> None:
        # docutils would write log 2 as log2, and \frac12 as twelve over what follows
        text = re.sub(r"\\log\s+(?=[\w\\])", r"\\log\\,", node.astext())
        text = re.sub(r"\\([dt]?frac)\s*(\w)\s*(\w)", r"\\\1{\2}{\3}", text)
        translator.body.append(tex2mathml(text, as_block=block))
        raise nodes.SkipNode

    return visit, None


def setup(app: Sphinx) -> None:
    """Connects the above."""
    app.connect("source-read", paths_for_links)
    app.add_html_math_renderer("mathml", mathml(block=False), mathml(block=True))
