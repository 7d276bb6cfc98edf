"""What the errata say is implemented is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ERRATA = (ROOT / "docs" / "errata.md").read_text()


def test_files_that_the_errata_name_exist() -> None:
    files = set(re.findall(r"`([\w/]+(?:\.py|/))`", ERRATA))
    assert len(files) > 10
    assert not [file for file in files if not ((ROOT / "src" / "monge" / file).exists() or (ROOT / file).exists())]


def test_names_that_the_errata_mention_are_defined_in_the_file_before_them() -> None:
    pairs = re.findall(r"`([\w/]+\.py)`, `(\w+)[\w.]*`", ERRATA)
    assert len(pairs) > 8
    for file, name in pairs:
        text = (ROOT / "src" / "monge" / file).read_text()
        assert re.search(rf"^(?:class |def )?{name}\b", text, re.MULTILINE), (file, name)


def test_every_row_of_a_table_has_the_columns_of_its_head() -> None:
    columns = 0
    for line in ERRATA.splitlines():
        cells = line.count("|") - 1
        if re.match(r"\|[-|]+\|$", line):
            columns = cells
        elif line.startswith("|") and columns:
            assert cells == columns, line
        elif not line.startswith("|"):
            columns = 0
