"""The runs of a folder and what their generators draw, as addresses answer: Python's own, and errors in a line."""

import csv
import http.client
import io
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import monge
from monge import plot
from monge.app.guard import REPORT_POLICY
from monge.app.run.curve import POINTS, even
from monge.app.run.draw import truncated
from monge.app.run.models import MOST_BYTES, OpenModel
from monge.app.run.shelf import Shelf
from monge.model.random import Purpose, stream
from monge.model.trained_model import Request
from monge.run.folder import RunFolder
from shelf import TOKEN, Page, fill, served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With small runs."""
    path = tmp_path_factory.mktemp("shelf") / "kept"
    fill(path, "digits", "coded", "group/plane", "shop")
    (path / "other").mkdir()
    (path / "a/b/c").mkdir(parents=True)
    shutil.copy(path / "digits/run.json", path / "a/b/c")
    return path


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    """That shows them."""
    with served(folder) as found:
        yield found


@pytest.fixture
def copied(folder: Path) -> Iterator[str]:
    """The name of a run that may be damaged."""
    shutil.copytree(folder / "digits", folder / "copy")
    yield "copy"
    shutil.rmtree(folder / "copy", ignore_errors=True)


def pixels(content: bytes) -> Any:
    """Those of a picture."""
    return np.asarray(Image.open(io.BytesIO(content)))


def listed(page: Page) -> dict[str, dict[str, Any]]:
    """The runs of the list by their names."""
    return {run["name"]: run for run in page.json("/api/runs")["runs"]}


def test_each_run_with_its_facts(page: Page, folder: Path) -> None:
    found = listed(page)
    assert list(found) == ["coded", "digits", "group/plane", "shop"]
    run = found["digits"]
    bracket = next(entry for entry in reversed(RunFolder(folder / "digits").entries()) if "bracket" in entry)
    assert run["bracket"] == {"step": bracket["step"], **bracket["bracket"]}
    facts = {"status": "finished", "data": "digits", "seed": 0, "step": 6, "steps": 6, "picture": 6, "report": False}
    assert {name: run[name] for name in facts} == facts
    status, headers, content = page.get("/api/runs/digits/thumbnail.png")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert content == (folder / "digits/samples/step-000006.png").read_bytes()


def test_no_folder_is_no_error(tmp_path: Path) -> None:
    with served(tmp_path / "none") as page:
        assert page.json("/api/runs") == {"runs": []}
        assert page.get("/runs")[0] == 200


def test_grids_are_the_samples_of_the_same_seed(page: Page, folder: Path) -> None:
    run = monge.open_run(folder / "digits")
    model = run.model("raw")
    status, headers, content = page.get("/api/runs/digits/grid.png?seed=3&weights=raw&class=4")
    assert (status, headers["content-type"]) == (200, "image/png")
    wanted = plot.grid(run.sample(16, seed=3, weights="raw", label=4), 4)
    np.testing.assert_array_equal(pixels(content), np.asarray(wanted))
    z = model.latent(9, stream(0, Purpose.SAMPLE))
    condition = model.condition(z)
    z[:, :-1] = truncated(z[:, :-1], 0.5)  # the last number decides the class
    wanted = plot.grid(model.generate(z, condition), 3)
    content = page.get("/api/runs/digits/grid.png?n=9&truncation=0.5&weights=raw")[2]
    np.testing.assert_array_equal(pixels(content), np.asarray(wanted))
    assert page.get("/api/runs/digits/grid.png?n=9&truncation=0.5&weights=raw")[2] == content


def test_codes_and_directions_change_samples(page: Page, folder: Path) -> None:
    run = monge.open_run(folder / "coded")
    content = page.get("/api/runs/coded/grid.png?n=4&code=0=2&code=1=-0.5")[2]
    np.testing.assert_array_equal(pixels(content), np.asarray(plot.grid(run.sample(4, codes={0: 2, 1: -0.5}), 2)))
    moved = page.get("/api/runs/coded/grid.png?n=4&code=0=2&code=1=-0.5&direction=1=2")[2]
    assert moved != content
    assert page.json("/api/runs/coded/about")["model"]["codes"] == [
        {"categories": 4, "reach": 0.0},
        {"categories": 0, "reach": 1.0},
        {"categories": 0, "reach": 3.0},
    ]


def test_truncated_numbers_are_of_the_truncated_distribution() -> None:
    from scipy.stats import kstest, truncnorm

    z = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    found = truncated(z, 0.7)
    assert kstest(found.double().numpy(), truncnorm(-0.7, 0.7).cdf).pvalue > 0.01
    assert (found.argsort() == z.argsort()).all()
    torch.testing.assert_close(truncated(z, 10.0), z, atol=1e-5, rtol=0)


def test_a_strip_begins_and_ends_with_the_picked_samples(page: Page) -> None:
    grid = pixels(page.get("/api/runs/coded/grid.png?n=16")[2])
    strip = pixels(page.get("/api/runs/coded/strip.png?n=16&from=1&to=6")[2])
    tile = 34
    np.testing.assert_array_equal(strip[:tile, :tile], grid[:tile, tile : 2 * tile])
    np.testing.assert_allclose(strip[:tile, 8 * tile : 9 * tile], grid[tile : 2 * tile, 2 * tile : 3 * tile], atol=1)
    assert page.get("/api/runs/group/plane/strip.png?from=0&to=999")[0] == 200
    assert page.refusal("/api/runs/coded/strip.png?from=3&to=3") == "from and to must be two samples; got 3 twice"
    assert page.refusal("/api/runs/coded/strip.png?to=16") == "to must be a whole number from 0 to 15; got '16'"


def test_nearest_training_samples(page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = page.json("/api/runs/digits/nearest?index=2")
    run = monge.open_run(folder / "digits")
    data = monge.load_data("digits")
    train = data.codec.metric(data.train.rows(np.arange(data.train.size)))
    distances = np.sort(np.linalg.norm(train - data.codec.metric(run.sample(16)[2:3]), axis=1))[:5]
    np.testing.assert_allclose(found["distances"], distances, rtol=1e-6)
    assert found["picture"].startswith("data:image/png;base64,")
    assert (found["searched"], found["size"]) == (1300, 1300)
    missing = page.json("/api/runs/group/plane/nearest")["missing"]
    assert missing.startswith("Nearest training samples need the run's data: grid25 draws every training sample afresh")


def test_data_that_are_gone(page: Page, folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(60, 3)))
    run = folder / "points"
    monge.train(tmp_path / "points.npy", run=run, steps=2, threads=1, training={"batch": 16})
    try:
        found = page.json("/api/runs/points/nearest")
        assert [len(found["rows"]), len(found["distances"]), found["columns"]] == [6, 5, ["x0", "x1", "x2"]]
        (tmp_path / "points.npy").unlink()
        assert page.json("/api/runs/points/nearest") == found  # which are still at hand
        page.json("/api/runs/digits/nearest")
        assert "its data are no longer at" in page.json("/api/runs/points/nearest")["missing"]
    finally:
        shutil.rmtree(run)


def test_rows_of_a_table(page: Page, folder: Path) -> None:
    found = page.json("/api/runs/shop/rows?seed=1")
    assert len(found["rows"]) == 50
    status, headers, content = page.get("/api/runs/shop/rows.csv?seed=1&n=50")
    assert (status, headers["content-disposition"]) == (200, 'attachment; filename="samples.csv"')
    assert list(csv.reader(io.StringIO(content.decode()))) == [found["columns"], *found["rows"]]
    example = page.json("/api/runs/shop/about")["model"]["example"]
    name, level = example.replace("'", "").split(" = ")
    found = page.json(f"/api/runs/shop/rows?n=20&where={example.replace(' ', '%20').replace('=', '%3D')}")
    assert {row[found["columns"].index(name)] for row in found["rows"]} == {level}
    assert found["tried"] >= 20
    assert page.get("/api/runs/group/plane/rows.csv?n=3")[2].startswith(b"x0,x1\n")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("digits/grid.png?seed=-1", "seed must be a whole number from 0 to 1,000,000,000,000,000; got '-1'"),
        ("digits/grid.png?seed=x", "seed must be a whole number from 0"),
        (f"digits/grid.png?seed={'9' * 5000}", "seed must be a whole number from 0"),
        ("digits/grid.png?n=100000", "n must be a whole number from 1 to 256; got '100000'"),
        ("digits/grid.png?class=12", "class '12' is not known; "),
        ("digits/grid.png?weights=fine", "weights 'fine' is not known; allowed: best, ema, raw"),
        ("digits/grid.png?weights=best", "weights best: no checkpoint of run"),
        ("digits/grid.png?truncation=nan", "truncation must be a number from 0.01 to 10; got 'nan'"),
        ("digits/grid.png?direction=7=1", "direction must be from 0 to 3; got 7"),
        ("digits/grid.png?code=0=1", "code needs a run with codes"),
        ("coded/grid.png?code=0=9", "code 0 must be a class from 0 to 3; got 9"),
        ("coded/grid.png?code=first", "code must be INDEX=VALUE, as in code=0=3; got 'first'"),
        ("coded/grid.png?class=1", "class 1 needs a run trained with"),
        ("shop/grid.png", "pictures need a run of images or vectors; "),
        ("digits/rows", "rows need a run of a table or of vectors; "),
        ("shop/rows?where=colour+%3D+1", "where: "),
        ("shop/rows?where=product+%3D+'nothing'", "where: "),
        (f"shop/rows?where={'x' * 3000}", "where must have at most 2,000 letters; got 3,000"),
        ("shop/rows?n=501", "n must be a whole number from 1 to 500; got '501'"),
        ("shop/rows.csv?n=1000000000", "n must be a whole number from 1 to 100,000; got '1000000000'"),
        ("nothing/about", "run 'nothing' is not in"),
        ("nothing/grid.png", "run 'nothing' is not in"),
        ("nothing/thumbnail.png", "run 'nothing' is not in"),
        ("other/rows", "run 'other' is not in"),
    ],
)
def test_bad_input_is_refused_in_a_line(page: Page, path: str, line: str) -> None:
    assert page.refusal(f"/api/runs/{path}").startswith(line)


@pytest.mark.parametrize(
    "name",
    [
        "../kept/digits",
        "..%2fkept%2fdigits",
        "digits/../digits",
        ".",
        "..",
        "%2e%2e",
        "a/b/c",
        "/etc",
        "x%00y",
        "y" * 400,
    ],
)
def test_no_name_leads_out_of_the_folder(page: Page, name: str) -> None:
    port = int(page.address.rpartition(":")[2])
    for path in (f"/api/runs/{name}/about", f"/api/runs/{name}/thumbnail.png", f"/reports/{name}"):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", f"{path}?token={TOKEN}")  # as it is: urllib would tidy it up
        answer = connection.getresponse()
        assert answer.status == 400
        assert set(json.loads(answer.read())) == {"error"}
        connection.close()


def test_no_link_leads_out_of_the_folder(page: Page, folder: Path, copied: str, tmp_path: Path) -> None:
    shutil.copytree(folder / "digits", tmp_path / "outside")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / copied / "report.html").symlink_to(tmp_path / "outside/run.json")
    (folder / copied / "samples/step-000009.png").symlink_to(tmp_path / "outside/run.json")
    try:
        assert "link" not in listed(page)
        assert page.refusal("/api/runs/link/about").startswith("a run must be a folder inside")
        for path in (f"/reports/{copied}", f"/api/runs/{copied}/thumbnail.png"):
            assert page.refusal(path).endswith("it is a link that leads out of it")
    finally:
        (folder / "link").unlink()


def test_the_report_stands_apart(page: Page, folder: Path, copied: str) -> None:
    assert "write one with monge report" in page.refusal(f"/reports/{copied}")
    (folder / copied / "report.html").write_text("<p>found</p>")
    status, headers, content = page.get(f"/reports/{copied}")
    assert (status, content) == (200, b"<p>found</p>")
    assert headers["content-security-policy"] == REPORT_POLICY


def test_a_damaged_run_is_a_line_and_the_others_stay(page: Page, folder: Path, copied: str) -> None:
    page.get(f"/api/runs/{copied}/grid.png")
    (folder / copied / "run.json").write_text('{"format": 1, "half')
    found = listed(page)
    assert found[copied]["problem"].startswith(f"run '{folder}/{copied}': run.json is damaged")
    assert "problem" not in found["digits"]
    assert "run.json is damaged" in page.refusal(f"/api/runs/{copied}/about")
    both = page.json(f"/api/runs/settings?run={copied}&run=digits&run=coded")
    assert both["runs"] == ["digits", "coded"]
    assert "run.json is damaged" in both["problems"][0]


def test_a_run_that_is_deleted_while_open(page: Page, folder: Path, copied: str) -> None:
    assert page.get(f"/api/runs/{copied}/grid.png")[0] == 200
    shutil.rmtree(folder / copied / "checkpoints")
    assert copied in page.refusal(f"/api/runs/{copied}/grid.png")
    assert page.json(f"/api/runs/{copied}/about")["missing"].startswith(f"run '{folder}/{copied}'")
    shutil.rmtree(folder / copied)
    assert page.refusal(f"/api/runs/{copied}/grid.png").startswith(f"run {copied!r} is not in")
    assert copied not in listed(page)
    assert page.get(f"/runs/{copied}")[0] == 404


def test_settings_that_differ(page: Page) -> None:
    found = page.json("/api/runs/settings?run=digits&run=coded")
    assert found["differ"]["training.conditional"] == [True, False]
    assert found["differ"]["objective"][1] == "infogan:categories=4:uniform=1:normal=1"
    assert "seed" not in found["differ"]
    assert page.refusal("/api/runs/settings?" + "run=digits&" * 9) == "run must be given at most 8 times; got 9"


class Stream:
    """Server-sent events of some runs, read one by one."""

    def __init__(self, page: Page, *names: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(page.address.rpartition(":")[2])), 30)
        query = "&".join(f"run={name}" for name in names)
        host = page.address.removeprefix("http://")
        self.socket.sendall(f"GET /api/runs/events?{query}&token={TOKEN} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self.lines = self.socket.makefile("r", newline="\n")

    def next(self) -> dict[str, Any]:
        """The next event."""
        for line in self.lines:
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        """Goes away."""
        self.lines.close()
        self.socket.close()


def test_curves_grow_with_the_log(page: Page, folder: Path, copied: str) -> None:
    log = folder / copied / "log.jsonl"
    stream = Stream(page, copied, "digits", "nothing")
    first, second, third = (stream.next() for _ in range(3))
    entries = RunFolder(folder / copied).entries()
    assert first["run"] == copied
    assert first["curves"]["critic_loss"] == [
        [one["step"], one["critic_loss"]] for one in entries if "critic_loss" in one
    ]
    assert first["curves"]["excess"] == [[one["step"], one["bracket"]["excess"]] for one in entries if "bracket" in one]
    assert second["curves"] == first["curves"]
    assert third["problem"].startswith("run 'nothing' is not in")
    with log.open("a") as file:
        file.write('damage\n{"step": 7, "critic_loss": 0.5}\n{"step": 8, "crit')
    assert stream.next() == {
        "run": copied,
        "status": "finished",
        "fresh": False,
        "damaged": 1,
        "curves": {"excess": [], "upper": [], "critic_loss": [[7, 0.5]]},
    }
    with log.open("a") as file:
        file.write('ic_loss": 0.25}\n')
    assert stream.next()["curves"]["critic_loss"] == [[8, 0.25]]
    with pytest.warns(UserWarning, match="damaged line"):
        RunFolder(folder / copied).forget_after(2)
    again = stream.next()
    assert again["fresh"]
    assert again["curves"]["critic_loss"] == [pair for pair in first["curves"]["critic_loss"] if pair[0] <= 2]
    (folder / copied / "run.json").write_text("half")
    assert "is damaged" in stream.next()["problem"]
    shutil.rmtree(folder / copied)
    assert stream.next()["problem"].startswith(f"run {copied!r} is not in")
    stream.close()


def test_nothing_is_followed_for_a_page_that_went_away(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr("monge.app.run.curve.EVERY", 0.02)
    monkeypatch.setattr("monge.app.run.curve.Watch.look", lambda watch: looks.append(time.monotonic()))
    stream = Stream(page, "digits")
    while len(looks) < 3:
        time.sleep(0.01)
    stream.close()
    time.sleep(0.3)
    count = len(looks)
    time.sleep(0.3)
    assert len(looks) == count


def test_a_stream_ends_with_the_server(folder: Path) -> None:
    with served(folder) as own:
        stream = Stream(own, "digits")
        assert stream.next()["run"] == "digits"
    assert stream.lines.read().endswith("0\r\n\r\n")  # its last chunk
    stream.close()


def test_a_long_curve_is_thinned() -> None:
    points = [(step, float(step)) for step in range(5 * POINTS + 7)]
    found = even(points)
    assert len(found) == POINTS
    assert (found[0], found[-1]) == (points[0], points[-1])


def test_a_newer_checkpoint_is_drawn(page: Page, folder: Path, copied: str) -> None:
    before = page.get(f"/api/runs/{copied}/grid.png")[2]
    run = monge.resume(folder / copied, steps=8, threads=1)
    assert page.get(f"/api/runs/{copied}/grid.png")[2] != before
    assert page.json(f"/api/runs/{copied}/about")["model"]["model_step"] == run.facts()["step"] == 8


def test_pictures_that_are_kept_are_bounded(folder: Path) -> None:
    opened = OpenModel(monge.open_run(folder / "digits").model())
    size = MOST_BYTES // 4
    drawn = []

    def draw(key: int) -> bytes:
        return opened.picture(key, lambda: drawn.append(key) or bytes(size))

    for key in (0, 1, 2, 3, 0, 4, 0, 1):
        draw(key)
    assert drawn == [0, 1, 2, 3, 4, 1]


def test_ten_clients_at_once(page: Page) -> None:
    paths = [f"/api/runs/digits/grid.png?n=16&seed={seed}" for seed in range(100, 160)]
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(page.get, paths))
    assert {status for status, _, _ in answers} == {200}
    assert len({content for _, _, content in answers}) > 50


def test_a_request_for_a_class_is_the_samples_of_it(page: Page, folder: Path) -> None:
    model = monge.open_run(folder / "digits").model()
    wanted = plot.grid(model.sample(4, 5, Request(label="7")).x, 2)
    np.testing.assert_array_equal(
        pixels(page.get("/api/runs/digits/grid.png?n=4&seed=5&class=7")[2]), np.asarray(wanted)
    )
    assert page.json("/api/runs/digits/about")["model"]["classes"] == [str(digit) for digit in range(10)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_run_that_may_not_be_read(page: Page, folder: Path, copied: str) -> None:
    (folder / copied / "run.json").chmod(0)
    assert "cannot be read" in listed(page)[copied]["problem"]


def test_a_copula_has_no_steps_and_no_objective(folder: Path) -> None:
    shelf = Shelf(folder)
    facts = shelf.facts("digits")
    trained = {**facts, "model": "copula"}
    forced = {**trained, "config": facts["config"] | {"model": "copula"}}
    for given, steps in ((trained, facts["config"]["steps"]), (forced, None)):
        found = shelf._facts("digits", given)
        assert (found["objective"], found["steps"]) == ("Gaussian copula", steps)
