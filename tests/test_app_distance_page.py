"""The pages of two files and of claims: the command's own page, every control in a real browser, and bad files."""

import asyncio
import errno
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_core_python
import numpy as np
import pytest
from starlette.requests import Request

from browser import Tab, browser
from monge.app.distance.asked import OPTIONS, Asked, asked_of
from monge.app.distance.session import Comparisons
from monge.app.distance.upload import MOST, Uploads, safe_name
from monge.app.distance.worker import compared
from monge.cli import run
from monge.errors import DiskError, UserError
from served import Server

pytestmark = pytest.mark.web

ROOT = Path(__file__).parents[1]
RANDOM = np.random.default_rng(0)
QUICK = {"samples": 20, "explain": False, "picture": False}
A, B = RANDOM.normal([[[0, 0]], [[0, 1]]], size=(2, 40, 2))


def table(path: Path, rows: np.ndarray[Any, Any], head: str = "x,y") -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows.round(3))]) + "\n")
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    found = Uploads(largest=1000)
    yield found
    found.close()
    assert list((tmp_path / "temporary").iterdir()) == []


def received(uploads: Uploads, name: str, *parts: bytes, length: int | None = None) -> str:
    """Sends a file without a server."""
    queue = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    queue.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return queue.pop(0)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    request = Request({"type": "http", "method": "PUT", "headers": headers}, receive)
    return asyncio.run(uploads.receive(request, name))


def answer(server: Server, a: Any, b: Any, options: dict[str, Any]) -> dict[str, Any]:
    """How a comparison ends."""
    with server.compare(a, b, options) as going:
        return list(going.lines())[-1]


@pytest.mark.parametrize(
    ("first", "second", "options", "words"),
    [
        ("a.csv", "b.csv", QUICK, ["--samples", "20", "--no-explain", "--no-picture"]),
        pytest.param(
            "a.csv",
            "a.csv",
            {"seed": 3, "standardise": "robust", "exclude": "y"},
            ["--seed", "3", "--standardise", "robust", "--exclude", "y"],
            marks=pytest.mark.slow,
        ),
        pytest.param("a.npz:x", "toy:moons", {"samples": 200}, ["--samples", "200"], marks=pytest.mark.slow),
    ],
)
def test_the_page_is_that_of_the_command(
    server: Server, here: Path, first: str, second: str, options: dict[str, Any], words: list[str]
) -> None:
    (here / "other").mkdir()
    table(here / "a.csv", A)
    np.savez(here / "a.npz", x=A, z=B)
    path = table(here / ("other/a.csv" if second == "a.csv" else "b.csv"), B)
    a: dict[str, str] = {"file": server.send(here / first.split(":")[0])}
    b: dict[str, str] = {"name": second} if ":" in second else {"file": server.send(path)}
    a |= {"key": "x"} if ":" in first else {}
    end = answer(server, a, b, options)
    assert set(end) == {"verdict", "page"}
    page = server.ask("GET", f"/api/distance/{end['page']}/report.html")[1]
    if second == "a.csv":  # equal names are told apart
        for side, source in (("a", here / "a.csv"), ("b", path)):
            (here / side).mkdir()
            shutil.copy(source, here / side / "a.csv")
        first, second = "a/a.csv", "b/a.csv"
    assert run(["distance", first, second, *words, "--out", "report.html"]) == 0
    assert page == (here / "report.html").read_bytes()
    assert end["verdict"].split(" (p = ")[0].encode() in page
    path = f"/api/distance/{end['page']}/report.html"
    with server.begin("GET", path) as shown, server.begin("GET", f"{path}?download") as saved:
        policy = shown.response.headers["content-security-policy"]
        assert policy.startswith("sandbox ")
        assert "allow-same-origin" not in policy
        assert "content-disposition" not in shown.response.headers
        assert saved.response.headers["content-disposition"] == 'attachment; filename="report.html"'
        assert shown.response.read() == saved.response.read() == page


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are not what they seem, and of one that is."""
    folder = tmp_path_factory.mktemp("bad")
    table(folder / "a.csv", A)
    (folder / "empty.csv").touch()
    (folder / "empty.npy").touch()
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "binary.parquet").write_bytes(bytes(range(256)) * 40)
    table(folder / "columns.csv", B, "x,z")
    table(folder / "one.csv", B[:, :1], "x")
    table(folder / "few.csv", B[:3])
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as stream:
        shape = {"descr": "<f8", "fortran_order": False, "shape": (2**30, 2)}
        np.lib.format.write_array_header_1_0(stream, shape)
        stream.write(bytes(2**20))
    np.save(folder / "pickled.npy", np.array([{"a": 1}, None]), allow_pickle=True)
    np.savez(folder / "several.npz", u=A, v=B)
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty.csv", "B: empty.csv"),
        ("empty.npy", "B: empty.npy"),
        ("binary.csv", "B: binary.csv"),
        ("binary.parquet", "B: binary.parquet"),
        ("columns.csv", "A and B must "),
        ("one.csv", "A and B must "),
        ("few.csv", "B: few.csv must have at least 8 samples; got 3"),
        ("bomb.npz", "B: bomb.npz:x.npy: "),
        ("pickled.npy", "B: pickled.npy"),
        ("several.npz", "B: several.npz"),
        ("several.npz:nothing", "B several.npz:nothing: "),
    ],
)
def test_bad_files_get_the_line_of_the_command(
    bad: Path, name: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bad)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)

    class Silent:
        def stage(self, *progress: Any) -> None:
            """Says nothing."""

    with pytest.raises(UserError) as found:  # as a process of the server does it
        compared(Silent(), [], ("a.csv", name), {})  # type: ignore[arg-type]
    assert str(found.value).startswith(said)
    assert "\n" not in str(found.value)
    assert run(["distance", "a.csv", name]) == 2
    assert capsys.readouterr().err == f"monge: {found.value}\n"


def test_a_bad_file_over_the_wire(server: Server, here: Path) -> None:
    table(here / "a.csv", A)
    (here / "b.csv").write_bytes(bytes(range(256)) * 40)
    sides = [{"file": server.send(here / name)} for name in ("a.csv", "b.csv")]
    end = answer(server, *sides, QUICK)
    assert list(end) == ["error"]
    assert end["error"].startswith("B: b.csv")
    status, said = server.ask("PUT", "/api/distance/files/notes.docx", b"x")
    assert status == 400
    assert json.loads(said)["error"].startswith("data must be a folder of images or a file of one of the kinds .npy, ")
    status, said = server.ask("PUT", "/api/distance/files/..%2F..%2Fa.csv", b"x")
    assert status == 200
    assert server.ask("GET", "/api/distance/0/report.html")[0] == 404


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/a.csv", "a.csv"),
        ("C:\\data\\a b.CSV.gz", "a b.CSV.gz"),
        ("/a/-.csv", "data.csv"),
        ("--out.npy", "out.npy"),
        (".hidden.npz", "hidden.npz"),
        ("a\0\n\x1b[31m.tsv", "a[31m.tsv"),
        ("x:y.npz", "xy.npz"),
        ("ü" * 300 + ".parquet", "ü" * 92 + ".parquet"),
    ],
)
def test_names_are_safe(given: str, name: str) -> None:
    assert safe_name(given) == name


@pytest.mark.parametrize("given", ["", "..", "a", "a.csv/..", "csv", "a.zip", "a.npy.exe", "digits", "/", "a.csv/"])
def test_names_of_other_kinds_are_refused(given: str) -> None:
    if given == "a.csv/":
        assert safe_name(given) == "a.csv"
        return
    with pytest.raises(UserError, match="data must be a folder of images or a file of one of the kinds "):
        safe_name(given)


def test_files_are_bounded_and_the_oldest_go(uploads: Uploads) -> None:
    words = [received(uploads, f"{number}.csv", b"x" * 400, b"y" * 600) for number in range(MOST + 1)]
    assert uploads[words[-1]].read_bytes() == b"x" * 400 + b"y" * 600
    with pytest.raises(UserError, match="a file is not kept any more; choose it again"):
        uploads[words[0]]
    before = sorted(uploads.folder.rglob("*"))
    for how in ({}, {"length": 1001}):
        with pytest.raises(UserError, match="a file must be at most 0 MiB"):
            received(uploads, "a.csv", b"x" * 400, b"y" * 601, **how)
    assert sorted(uploads.folder.rglob("*")) == before


def test_a_full_disk_is_one_line(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def write(self, part: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: Full())
    with pytest.raises(DiskError, match=r"^a.csv cannot be kept: No space left on device$"):
        received(uploads, "a.csv", b"x")
    monkeypatch.undo()
    assert [path for path in uploads.folder.rglob("*") if path.name != "file"] == []


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "A is missing: choose a file, or built-in data"),
        ({"a": {"name": "toy:moons"}}, "B is missing"),
        ({"a": {"name": "toy:moon"}}, r"A: built-in data 'toy:moon' is not known; did you mean 'toy:moons'\?"),
        ({"a": {"name": "/etc/passwd"}}, "A: built-in data '/etc/passwd' is not known"),
        ({"a": {"file": "../x"}}, "a file is not kept any more; choose it again"),
        ({"a": {"file": "CSV", "key": "x"}}, "A: only an .npz file has arrays by name; got a.csv"),
        ({"options": []}, "options must be a mapping; got list"),
        ({"options": {"sample": 3}}, "option 'sample' is not known; did you mean 'samples'"),
        ({"options": {"samples": 7}}, "samples must be a whole number from 8 to 100,000; got 7"),
        ({"options": {"samples": True}}, "samples must be a whole number"),
        ({"options": {"seed": -1}}, "seed must be a whole number from 0"),
        ({"options": {"columns": 3}}, "columns must be a text of at most 2,000 letters"),
        ({"options": {"columns": "x" * 2001}}, "columns must be a text of at most 2,000 letters"),
        ({"options": {"explain": "no"}}, "explain must be true or false; got no"),
    ],
)
def test_what_is_asked_is_checked(uploads: Uploads, document: dict[str, Any], said: str) -> None:
    word = received(uploads, "a.csv", b"x")
    given = json.loads(json.dumps(document).replace("CSV", word))
    if "options" in given:
        given |= {"a": {"file": word}, "b": {"file": word}}
    with pytest.raises(UserError, match=said):
        asked_of(given, uploads)


def test_the_words_of_the_command(uploads: Uploads) -> None:
    options = dict.fromkeys(OPTIONS, "") | {
        "columns": "-1",
        "seed": 1,
        "label": "k",
        "explain": True,
        "picture": None,
    }
    asked = asked_of({"a": {"name": "digits"}, "b": {"name": "digits"}, "options": options}, uploads)
    expected = ["digits", "digits", "--seed", "1", "--columns=-1", "--data.label", "k", "--out", "report.html"]
    assert asked.words == ["monge", "distance", *expected]


def test_a_comparison_that_cannot_begin_is_one_line(tmp_path: Path) -> None:
    async def lines() -> list[dict[str, Any]]:
        comparisons = Comparisons(tmp_path)
        asked = Asked("a.csv", "b.csv", {"a.csv": tmp_path / "gone"}, {})
        found = [json.loads(line) async for line in comparisons.stream(asked)]
        comparisons.close()
        return found

    said = "the comparison cannot begin or go on: No such file or directory"
    assert asyncio.run(lines()) == [{"error": said}]
    assert [path for path in tmp_path.rglob("*") if path.name != "page"] == []


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Tab]]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def choose(tab: Tab, selector: str, *paths: Path) -> None:
    """Chooses files, as the browser's own dialog does."""
    root = tab.send("DOM.getDocument")["root"]["nodeId"]
    node = tab.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    tab.send("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])


def drop(tab: Tab, selector: str, *paths: Path) -> None:
    """Drops files on an element."""
    names = {path.name: path.read_text() for path in paths}
    tab.run(
        f"""(() => {{
      const dataTransfer = new DataTransfer();
      for (const [name, text] of Object.entries({json.dumps(names)})) dataTransfer.items.add(new File([text], name));
      for (const kind of ["dragover", "drop"])
        document.querySelector("{selector}").dispatchEvent(new DragEvent(kind, {{ bubbles: true, dataTransfer }}));
    }})()"""
    )


def value(tab: Tab, name: str, given: Any = None) -> Any:
    """The value of a control, or whether it is checked; given one, sets it as its user does."""
    find = f"document.getElementById('{name}')"
    if given is not None:
        tab.run(f"{find}.value = {json.dumps(given)}; {find}.dispatchEvent(new Event('change'))")
    return tab.run(f"{find}.type === 'checkbox' ? {find}.checked : {find}.value")


def named(tab: Tab, letter: str) -> str | None:
    """The name of the file of a side."""
    found: str | None = tab.run(f"document.getElementById('file-{letter}').files[0]?.name ?? null")
    return found


def seen(tab: Tab, name: str) -> bool:
    found: bool = tab.run(f"document.getElementById('{name}').checkVisibility()")
    return found


def text(tab: Tab, name: str) -> str:
    found: str = tab.run(f"document.getElementById('{name}').textContent")
    return found


def targets(tab: Tab) -> list[tuple[str, str]]:
    """What the browser has open: kinds and addresses."""
    return [(one["type"], one["url"]) for one in tab.send("Target.getTargets")["targetInfos"]]


def nothing_is_wrong(tab: Tab, server: Server) -> None:
    """Nothing sticks out, is hard to reach, was complained of, or was asked of others."""
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    tab.run((Path(axe_core_python.__file__).parent / "axe.min.js").read_text())
    found = json.loads(tab.run("axe.run().then(found => JSON.stringify(found.violations))"))
    assert [one["help"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert tab.console == []
    own = f"http://127.0.0.1:{server.port}/"
    assert [address for address in tab.requests if not address.startswith((own, "data:", "blob:"))] == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_control(server: Server, new: Callable[[], Tab], tmp_path: Path, width: int, scheme: str) -> None:
    first, second = table(tmp_path / "first.csv", A), table(tmp_path / "second.csv", B)
    arrays = tmp_path / "arrays.npz"
    np.savez(arrays, u=A, v=B)
    tab = new()
    tab.open(server.page("/distance"), width, 900, scheme)
    tab.click("#compare")
    tab.until("!document.getElementById('wrong').hidden")
    assert text(tab, "wrong") == "A is missing: choose a file, or built-in data"
    drop(tab, "h1", first, second)
    assert (named(tab, "a"), named(tab, "b")) == ("first.csv", "second.csv")
    tab.click("#swap")
    assert (named(tab, "a"), named(tab, "b")) == ("second.csv", "first.csv")
    tab.click("#drop-a")
    assert (named(tab, "a"), seen(tab, "chosen-a"), seen(tab, "chosen-b")) == (None, False, True)
    drop(tab, "#side-b", second)
    assert (named(tab, "a"), named(tab, "b")) == (None, "second.csv")
    drop(tab, "h1", first)
    assert named(tab, "a") == "first.csv"
    drop(tab, "h1", first, second, table(tmp_path / "third.csv", B))
    assert text(tab, "wrong") == "two files are compared; got 3"
    value(tab, "name-b", "toy:moons")
    assert named(tab, "b") is None
    tab.click("#swap")
    assert (value(tab, "name-a"), value(tab, "name-b"), named(tab, "b")) == ("toy:moons", "", "first.csv")
    choose(tab, "#file-a", arrays)
    tab.until("!document.getElementById('array-a').hidden")
    assert value(tab, "name-a") == ""
    value(tab, "key-a", "v")
    choose(tab, "#file-b", arrays)
    value(tab, "key-b", "u")
    tab.click("#options summary")
    for name, given in (
        ("samples", "20"),
        ("seed", "2"),
        ("standardise", "std"),
        ("columns", "2"),
        ("exclude", ""),
    ):
        value(tab, name, given)
    tab.click("#explain")
    tab.click("#picture")
    assert [value(tab, name) for name in ("explain", "picture")] == [False, False]
    nothing_is_wrong(tab, server)
    tab.click("#compare")
    tab.until("document.getElementById('stage').textContent.startsWith('reading')")
    assert tab.run("document.getElementById('compare').disabled")
    tab.click("#stop")
    tab.until("!document.getElementById('going').checkVisibility()")
    assert (seen(tab, "wrong"), seen(tab, "found")) == (False, False)
    assert tab.run("document.activeElement.id") == "compare"
    tab.press("Enter")
    tab.until("!document.getElementById('found').hidden || !document.getElementById('wrong').hidden")
    assert text(tab, "wrong") == ""
    assert tab.run("document.activeElement.id") == "verdict"
    assert " (p = " in text(tab, "verdict")
    address = tab.run("document.getElementById('report').src")
    page = server.ask("GET", address.removeprefix(f"http://127.0.0.1:{server.port}"))[1].decode()
    command = "monge distance arrays.npz:v arrays.npz:u", "--samples 20", "--seed 2", "--standardise std"
    for part in (*command, "--columns 2", "--no-explain", "--no-picture", "--out report.html"):
        assert f"<span>{part}</span>" in page
    assert tab.run("document.getElementById('apart').href") == address
    tab.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    tab.click("#save")
    tab.until((tmp_path / "report.html").exists)
    assert (tmp_path / "report.html").read_text() == page
    # it has a process of its own, as it may not reach this page
    tab.until(lambda: ("iframe", address) in targets(tab))
    nothing_is_wrong(tab, server)


def test_what_goes_wrong_is_said_on_the_page(server: Server, new: Callable[[], Tab], tmp_path: Path) -> None:
    tab = new()
    tab.open(server.page("/distance"), 390)
    for name, said in (("notes.docx", "A: a file must be of one of the kinds .npy,"), ("a.csv", "A: a.csv")):
        (tmp_path / name).write_text("")
        drop(tab, "#side-a", tmp_path / name)
        value(tab, "name-b", "toy:moons")
        tab.run("document.getElementById('wrong').hidden = true")
        tab.click("#compare")
        tab.until("!document.getElementById('wrong').hidden && !document.getElementById('compare').disabled")
        assert text(tab, "wrong").startswith(said)
    tab.run("document.getElementById('ask').dataset.largest = 3")
    drop(tab, "#side-a", table(tmp_path / "b.csv", A))
    tab.click("#compare")
    tab.until("document.getElementById('wrong').textContent.includes('a file must be at most 1 KiB; b.csv has 1 KiB')")
    nothing_is_wrong(tab, server)


@pytest.fixture
def claims(server: Server) -> Iterator[Path]:
    """Results of experiments where the server looks for them."""
    folder = server.runs / "reproduce"
    for name in ("parallel-lines", "clipping"):
        shutil.copytree(ROOT / "benchmarks/claims" / name, folder / name)
        shutil.copy(ROOT / f"docs/figures/claims/{name}.png", folder / name / "figure.png")
    (folder / "broken").mkdir()
    (folder / "broken/result.json").write_text('{"experiment": "clipping", "versions": null, "verdicts": []}')
    shutil.copy(ROOT / "docs/claims.html", folder)
    yield folder
    shutil.rmtree(folder)


def test_no_claims_yet(server: Server, new: Callable[[], Tab]) -> None:
    tab = new()
    tab.open(server.page("/claims"), 390)
    assert "monge reproduce parallel-lines" in tab.run("document.querySelector('pre').textContent")
    nothing_is_wrong(tab, server)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_claims(server: Server, new: Callable[[], Tab], claims: Path, width: int, scheme: str) -> None:
    tab = new()
    tab.open(server.page("/claims"), width, 900, scheme)
    cards = tab.run("[...document.querySelectorAll('.card')].map(card => card.innerText)")
    assert [card.split("\n")[0] for card in cards] == ["parallel-lines", "clipping", "broken"]
    assert "JS of samples is at least 95% of log 2 at every theta but 0" in cards[0]
    assert (
        "monge reproduce parallel-lines --budget full --seed 0\n14 s of one core; python 3.11.7, monge 0.1.0"
        in cards[0]
    )
    assert "result.json must be the result of an experiment: " in cards[2]
    tally = tab.run("document.querySelector('.tally').innerText")
    assert "claims: ✓ holds" in tally
    tab.run("document.querySelector('summary').focus()")
    tab.press("Enter")
    assert "largest error: 0.0277 (0.0145 to 0.0515)" in tab.run("document.querySelector('details').innerText")
    tab.run("document.querySelectorAll('.figure img').forEach(image => { image.loading = 'eager'; })")
    tab.until("[...document.querySelectorAll('.figure img')].every(image => image.naturalWidth > 300)")
    nothing_is_wrong(tab, server)
    status, png = server.ask("GET", "/api/claims/reproduce/clipping/figure.png")
    assert (status, png) == (200, (claims / "clipping/figure.png").read_bytes())
    for place in ("reproduce/broken", "reproduce", "reproduce/clipping/../../../etc", "..", "/etc"):
        assert server.ask("GET", f"/api/claims/{place}/figure.png")[0] == 404
    tab = new()
    tab.open(server.page("/claims/all"), width)
    assert "What holds, and what does not" in tab.run("document.body.innerText")
    (claims / "clipping/result.json").unlink()  # while the page is open
    assert server.ask("GET", "/api/claims/reproduce/clipping/figure.png")[0] == 404
    assert b">clipping<" not in server.ask("GET", "/claims")[1]
