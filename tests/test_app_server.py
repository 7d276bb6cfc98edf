"""The server as others meet it: who is refused, what is bounded, and that nothing is left running."""

import json
import os
import signal
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monge.app import server as module
from monge.app.lab.route import LARGEST
from monge.app.lab.session import Labs
from monge.cli import run
from served import Server, family, processes, serving, until

LAB: dict[str, Any] = {"settings": {"data": "toy:ring8"}}
MOONS = {"name": "toy:moons"}
LONG: dict[str, Any] = {"samples": 100_000}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_that_others_point_here_is_refused(server: Server, host: str) -> None:
    host = host.format(port=server.port)
    status, said = server.ask("GET", "/lab", headers={"host": host, "x-monge-token": server.token})
    assert status == 403
    assert said.startswith(b"Host must be one of 127.0.0.1:")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_requests_of_other_pages_are_refused(server: Server, origin: str) -> None:
    headers = {"origin": origin.format(port=server.port), "x-monge-token": server.token}
    for method, path in (("POST", "/api/lab"), ("PUT", "/api/distance/files/a.csv"), ("GET", "/api/lab/catalogue")):
        status, said = server.ask(method, path, b"{}", headers)
        assert (status, said[:15]) == (403, b"Origin must be ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/lab"),
        ("POST", "/api/lab/points"),
        ("POST", "/api/distance"),
        ("PUT", "/api/distance/files/a.csv"),
        ("DELETE", "/api/distance/files/a.csv"),
    ],
)
def test_what_changes_anything_needs_the_token_in_a_header(server: Server, method: str, path: str) -> None:
    before = server.kept()
    own = {"origin": f"http://127.0.0.1:{server.port}", "cookie": f"monge={server.token}"}
    for headers in ({}, own, {**own, "x-monge-token": "wrong"}, {"x-monge-token": ""}):
        status, said = server.ask(method, path, b"{}", headers)
        assert (status, said) == (403, b"x-monge-token must be the token of the printed address")
    status, said = server.ask(method, f"{path}?token={server.token}", b"{}", {})
    assert status == 403
    assert server.kept() == before


def test_pages_need_the_token_or_its_cookie(server: Server) -> None:
    for path in ("/", "/lab", "/distance", "/claims", "/api/lab/catalogue", "/api/distance/x/report.html"):
        status, said = server.ask("GET", path, headers={})
        assert (status, said[:39]) == (403, b"open the address that monge printed: it")
    with server.begin("GET", f"/distance?token={server.token}", headers={}) as found:
        cookie = found.response.headers["set-cookie"]
    assert cookie == f"monge={server.token}; Path=/; HttpOnly; SameSite=Strict"
    with server.begin("GET", "/distance", headers={"cookie": cookie.split(";")[0]}) as found:
        assert found.response.status == 200
        assert "default-src 'none'" in found.response.headers["content-security-policy"]
        assert "set-cookie" not in found.response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/../../api.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/../etc/passwd",
        "/api/claims/../../etc/figure.png",
        "/api/claims/%2e%2e/%2e%2e/figure.png",
        "/api/claims//etc/figure.png",
        "/api/distance/../report.html",
        "/api/distance/%2e%2e/report.html",
    ],
)
def test_no_path_leads_out(server: Server, path: str) -> None:
    status, said = server.ask("GET", path)
    assert status == 404
    assert b"there is no such page" in said or b"Not Found" in said


def test_requests_are_bounded(server: Server) -> None:
    for path, most in (("/api/lab", LARGEST), ("/api/lab/points", LARGEST), ("/api/distance", 2**16)):
        status, said = server.ask("POST", path, b" " * (most + 1))
        assert (status, json.loads(said)) == (400, {"error": f"a request must be at most {most:,} bytes"})
    for body, what in (
        (b"[", "JSON: "),
        (b"[1]", "a JSON object; got list"),
        (b"[" * 50_000, "JSON: "),
        (b"\xff", "JSON"),
    ):
        status, said = server.ask("POST", "/api/distance", body)
        assert status == 400
        assert json.loads(said)["error"].startswith(f"a request must be {what}")


def test_a_request_without_end_takes_no_memory(server: Server) -> None:
    before = server.memory()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST /api/distance HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nx-monge-token: {server.token}\r\n"
        connection.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for _ in range(100):
            connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        assert connection.recv(12) == b"HTTP/1.1 400"
    assert server.memory() - before < 30 * 2**20


def test_ten_clients_at_once(server: Server) -> None:
    paths = ["/lab", "/distance", "/claims", "/api/lab/catalogue", "/static/style.css"]
    with ThreadPoolExecutor(10) as clients:
        found = list(clients.map(lambda number: server.ask("GET", paths[number % len(paths)]), range(100)))
    assert {status for status, _ in found} == {200}
    assert len({content for _, content in found}) == len(paths)


def test_a_lab_ends_with_its_page(server: Server) -> None:
    labs = [server.begin("POST", "/api/lab", LAB) for _ in range(2)]
    names = [next(lab.messages())["lab"] for lab in labs]
    server.ask("POST", f"/api/lab/{names[1]}", {"do": "play"})
    until(lambda: len(server.workers()) == 2)
    for lab in labs:  # one waits, one plays
        lab.leave()
    until(lambda: server.workers() == [])
    status, said = server.ask("POST", f"/api/lab/{names[0]}", {"do": "play"})
    assert (status, json.loads(said)) == (400, {"error": "this lab has ended; begin anew"})


def test_a_lab_that_is_killed_says_so(server: Server) -> None:
    with server.begin("POST", "/api/lab", LAB) as lab:
        stream = lab.messages()
        assert "lab" in next(stream)
        next(stream)
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        assert list(stream)[-1] == {"error": "the lab's process has ended; begin anew", "ended": True}
    assert server.ask("GET", "/lab")[0] == 200


def test_comparisons_wait_for_two_others_and_end_with_their_pages(server: Server) -> None:
    before = server.kept()
    going = [server.compare(MOONS, MOONS, LONG) for _ in range(6)]
    first = [next(one.lines()) for one in going]
    assert first[:2] == [{"stage": "reading", "done": 0, "total": 0}] * 2
    assert first[2:] == [{"stage": "waiting for another comparison", "done": 0, "total": 0}] * 4
    with server.compare(MOONS, MOONS, LONG) as refused:
        said = "6 comparisons are going on or waiting already; try again later"
        assert list(refused.lines()) == [{"error": said}]
    assert len(server.workers()) == 2
    for one in going[3:]:
        one.leave()
    going[0].leave()
    assert next(going[2].lines()) == first[0]
    assert len(server.workers()) == 2
    for one in going[1:3]:
        one.leave()
    until(lambda: server.workers() == [] and files(server.kept()) == files(before))


def test_a_comparison_that_is_killed_says_so(server: Server) -> None:
    with server.compare(MOONS, MOONS, LONG) as one:
        lines = one.lines()
        next(lines)
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        assert list(lines)[-1]["error"].startswith("the process that compared them has ended (it was killed, or ")
    assert server.ask("GET", "/distance")[0] == 200


def files(paths: Iterable[Path]) -> list[str]:
    return sorted(path.name for path in paths if path.is_file())


def test_an_upload_that_breaks_off_leaves_nothing(server: Server) -> None:
    before = server.kept()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"PUT /api/distance/files/broken.csv HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\n"
        connection.sendall(f"{head}x-monge-token: {server.token}\r\ncontent-length: 9000000\r\n\r\n".encode())
        connection.sendall(b"1,2\n" * 100_000)
        until(lambda: "broken.csv" in files(server.kept()))
    until(lambda: "broken.csv" not in files(server.kept()))
    assert {path.name for path in server.kept() - before} <= {"file"}


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_nothing_is_left_when_the_server_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server, busy(server) as everybody:
        os.killpg(server.process.pid, number)  # the terminal tells all of its processes
        _, error = server.process.communicate(timeout=60)
        until(lambda: not everybody & set(processes()))
        said = "interrupted" if number == signal.SIGINT else "ended by SIGHUP"
        assert (server.process.returncode, error) == (128 + number, f"monge: {said}\n")
        assert list(server.temporary.glob("monge*")) == []


@contextmanager
def busy(server: Server) -> Iterator[set[int]]:
    """The processes of a server with a lab and a comparison that are going on."""
    with server.begin("POST", "/api/lab", LAB) as lab, server.compare(MOONS, MOONS, LONG) as comparison:
        server.ask("POST", f"/api/lab/{next(lab.messages())['lab']}", {"do": "play"})
        next(comparison.lines())
        everybody = family(server.process.pid)
        assert len(everybody) >= 4
        yield everybody


def test_what_a_killed_server_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monge.app.distance.upload import Uploads

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead, other = tmp_path / "monge-distance-4194305-x", tmp_path / f"monge-distance-{os.getppid()}-x"
    for folder in (dead, other):
        (folder / "file").mkdir(parents=True)
    uploads = Uploads()
    assert sorted(tmp_path.iterdir()) == sorted([other, uploads.folder])
    uploads.close()
    assert list(tmp_path.iterdir()) == [other]


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that ends at once."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Labs, "warm", lambda labs: None)
    monkeypatch.setattr(module.uvicorn.Server, "run", lambda server, sockets: [one.close() for one in sockets])


@pytest.mark.usefixtures("unserved")
def test_other_addresses_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--port", "0"]) == 0
    assert "warning" not in capsys.readouterr().out
    assert run(["serve", "--host", "0.0.0.0", "--port", "0"]) == 0
    warning, address, end = capsys.readouterr().out.splitlines()
    assert warning.startswith("warning: whoever reaches this address and has its token can ")
    assert address.startswith("http://127.0.0.1:")
    assert end == "Ctrl-C ends it"


@pytest.mark.usefixtures("unserved")
def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for wrong, why in ((port, "Address already in use"), (99999, "a port is from 0 to 65535")):
            assert run(["serve", "--port", str(wrong)]) == 2
            said = capsys.readouterr()
            assert said.err == f"monge: --host 127.0.0.1 --port {wrong} cannot be listened on: {why}\n"
            assert said.out == ""


@pytest.mark.parametrize("command", ["serve", "lab"])
@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_packages_that_are_missing(
    package: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("monge.cli.serve.find_spec", lambda name: None if name == package else object())
    assert run([command]) == 2
    said = f"monge: monge serve and monge lab need {package}; install it: pip install 'monge[app]'\n"
    assert capsys.readouterr().err == said


def test_nothing_goes_on_after_the_server_is_killed(server: Server) -> None:
    with busy(server) as everybody:
        server.process.kill()
        until(lambda: not everybody & set(processes()))


def test_a_long_path_of_temporary_files_is_no_obstacle(tmp_path: Path) -> None:
    """A socket's address would not fit there."""
    with serving(tmp_path / ("long" * 20), short=False) as server, server.begin("POST", "/api/lab", LAB) as lab:
        assert "lab" in next(lab.messages())
