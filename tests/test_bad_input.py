"""Bad input to the command: exit status 2, one line that names argument, value and what is allowed, nothing written."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monge.cli import run

RANDOM = np.random.default_rng(3)
SMALL = ["--steps", "2", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with one file of vectors in it, as the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    np.save("vectors.npy", RANDOM.normal(size=(400, 3)))
    Path("table.csv").write_text("length,species\n" + "1,a\n2,b\n" * 200)
    np.save("images10.npy", RANDOM.integers(0, 256, (400, 10, 10, 1), dtype=np.uint8))
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two steps on vectors."""
    folder = tmp_path_factory.mktemp("trained")
    np.save(folder / "vectors.npy", RANDOM.normal(size=(400, 3)))
    assert run(["train", str(folder / "vectors.npy"), "--run", str(folder / "run"), *SMALL]) == 0
    return folder


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], *said: str) -> None:
    """Runs a command in this process and checks how it is refused."""
    capsys.readouterr()
    before = sorted(Path.cwd().rglob("*"))
    assert run(list(arguments)) == 2
    shown = capsys.readouterr()
    check(shown.out, shown.err, said)
    assert [path for path in sorted(Path.cwd().rglob("*")) if "cache" not in path.parts] == before


def child(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command as a user does."""
    return subprocess.run([sys.executable, "-m", "monge", *arguments], capture_output=True, text=True, check=False)


def check(out: str, err: str, said: Sequence[str]) -> None:
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("monge: ")
    assert "Traceback" not in err
    assert "Errno" not in err
    for text in said:
        assert text in err


def images(folder: str, n: int = 40) -> Path:
    path = Path(folder)
    path.mkdir()
    for i in range(n):
        Image.fromarray(RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path / f"{i:02}.png")
    return path


def bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path, compress_level=1)


USAGE = {
    "no command": ([], ["allowed: train, sample, evaluate"]),
    "command": (["trian"], ["'trian'", "did you mean 'train'"]),
    "no data": (["train"], ["DATA is missing"]),
    "second data": (["train", "digits", "extra"], ["'extra' is one argument too many"]),
    "empty data": (["train", ""], ["an argument must not be empty; got ''"]),
    "empty run": (["train", "digits", "--run", ""], ["--run must not be empty; got ''"]),
    "empty assignment": (["train", "digits", "--run="], ["--run must not be empty; got ''"]),
    "flag": (["train", "digits", "--stpes", "5"], ["--stpes is not known", "--steps"]),
    "nested flag": (["train", "digits", "--training.ncritic", "5"], ["--training.ncritic", "--training.n-critic"]),
    "flag without group": (
        ["train", "digits", "--batch", "5"],
        ["--batch is not known; did you mean --training.batch? m"],
    ),
    "flag of another group": (["train", "digits", "--data.n-critic=5"], ["did you mean --training.n-critic?"]),
    "flag like no other": (
        ["train", "digits", "--training.lr", "5"],
        ["--training.lr is not known; monge train --help"],
    ),
    "type": (
        ["train", "digits", "--steps", "many"],
        ["--steps must be a whole number; got 'many'; monge train --help"],
    ),
    "number": (["train", "digits", "--training.ema", "x"], ["--training.ema must be a number; got 'x';"]),
    "no size": (
        ["train", "images10.npy", "--data.size", "big"],
        ["--data.size must be a side or HEIGHTxWIDTH, ", "got big"],
    ),
    "no switch": (["train", "digits", "--data.skip-bad=1"], ["--data.skip-bad takes no value"]),
    "flag before data": (["train", "--stpes", "digits"], ["--stpes is not known"]),
    "alias": (["sample", "nowhere", "--out", "x.png", "-n", "few"], ["-n must be a whole number; got 'few'"]),
    "no value": (["train", "digits", "--steps"], ["--steps needs a value"]),
    "choice": (["train", "digits", "--training.optimiser", "adma"], ["--training.optimiser 'adma'", "'adam'? allowed"]),
    "column of text": (
        ["train", "table.csv", "--data.columns", "species:number"],
        ["table.csv: --data.columns species:number: every value must be a number; got 'a' in data row 1"],
    ),
    "kind of a column": (
        ["train", "table.csv", "--data.columns", "length:integr"],
        ["--data.columns length: kind 'integr'", "did you mean 'integer'"],
    ),
    "copula of vectors": (["train", "vectors.npy", "--model", "copula"], ["--model must be gan for vectors", "copula"]),
    "copula with classes": (
        ["train", "table.csv", "--data.label", "species", "--training.conditional", "--model", "copula"],
        ["--model must be gan with classes or codes", "got copula"],
    ),
    "column": (["train", "table.csv", "--data.label", "specis"], ["--data.label 'specis'", "did you mean 'species'?"]),
    "column of an array": (["train", "vectors.npy", "--data.label", "y"], ["--data.label y", "got 'vectors.npy'"]),
    "no classes": (
        ["train", "table.csv", "--training.conditional", *SMALL],
        ["--training.conditional needs labels; table has none", "a table with --data.label"],
    ),
    "missing path": (["train", "no/such/folder"], ["'no/such/folder'", "digits"]),
    "data name": (["train", "toy:grid52"], ["did you mean 'toy:grid25'"]),
    "key": (["train", "vectors.npy:x"], ["'vectors.npy:x'", "must not have a key"]),
    "norm": (["train", "digits", "--generator", "mlp:norm=bach"], ["--critic: norm 'bach'", "allowed: batch, layer"]),
    "recipe": (["train", "digits", "--recipe", "digit"], ["--recipe 'digit'", "did you mean 'digits'"]),
    "objective": (["train", "digits", "--objective", "wgann-gp"], ["--objective 'wgann-gp'", "did you mean 'wgan-gp'"]),
    "swapped letters": (["train", "digits", "--objective", "wgan-pg"], ["did you mean 'wgan-gp'"]),
    "generator": (["train", "digits", "--generator", "mpl"], ["--generator 'mpl'", "did you mean 'mlp'"]),
    "critic": (["train", "digits", "--steps", "5", "--critic", "dcgn"], ["--critic 'dcgn'", "did you mean 'dcgan'"]),
    "option": (["train", "digits", "--critic", "mlp:widht=9"], ["'widht'", "did you mean 'width'"]),
    "option value": (
        ["train", "digits", "--critic", "mlp:width=big"],
        ["--critic mlp: width must be a whole number", "got big"],
    ),
    "size": (
        ["train", "images10.npy", "--generator", "dcgan"],
        ["got 10 x 10 pixels; use --data.size 8x8", "multiples of 4"],
    ),
    "convolutions on vectors": (["train", "vectors.npy", "--critic", "dcgan"], ["dcgan", "mlp"]),
    "batch norm": (["train", "images10.npy", "--data.size", "16", "--critic", "dcgan:norm=batch"], ["layer"]),
    "batch": (["train", "vectors.npy", "--training.batch", "500"], ["--training.batch must be at most 320", "got 500"]),
    "many threads": (
        ["train", "digits", "--threads", "9999"],
        ["--threads must be auto or a number from 1 to", "got 9999"],
    ),
    "threads": (["train", "digits", "--threads", "0"], ["--threads must be auto or a number from 1", "got 0"]),
    "thread word": (["train", "digits", "--threads", "two"], ["--threads must be", "got two"]),
    "seed": (["train", "digits", "--seed", "-1"], ["--seed must be from 0", "got -1"]),
    "steps": (["train", "digits", "--steps", "0"], ["--steps must be from 1", "got 0"]),
    "nan": (
        ["train", "digits", "--training.learning-rate", "nan"],
        ["--training.learning-rate must be from", "got nan"],
    ),
    "device name": (["train", "digits", "--device", "tpu"], ["--device 'tpu'", "auto, cpu, cuda"]),
    "checkpoints": (["train", "digits", "--checkpoint-every", "0"], ["--checkpoint-every must be at least 1; got 0"]),
    "below a file": (["train", "vectors.npy", *SMALL, "--run", "vectors.npy/run"], ["--run vectors.npy/run"]),
    "unwritable": (["train", "vectors.npy", *SMALL, "--run", "/proc/monge"], ["--run /proc/monge"]),
    "run is a file": (["train", "vectors.npy", *SMALL, "--run", "vectors.npy"], ["--run vectors.npy"]),
    "run is another folder": (
        ["train", "vectors.npy", *SMALL, "--run", "."],
        ["--run .", "must be empty or contain a run"],
    ),
    "no TOML": (["train", "digits", "--config", "none.toml"], ["--config none.toml"]),
    "sample of no run": (["sample", "nowhere", "--out", "x.png"], ["'nowhere'", "run.json"]),
    "evaluate of no run": (["evaluate", "."], ["'.'", "run.json"]),
    "report of no run": (["report", "cache"], ["'cache'", "run.json"]),
    "no run named": (["sample"], []),
    "no out": (["sample", "nowhere"], ["--out is missing"]),
    "ending": (["sample", "nowhere", "--out", "x.gif"], ["--out must end in .png, .tif", "got x.gif"]),
    "no samples": (["sample", "nowhere", "--out", "x.png", "-n", "0"], ["-n must be at least 1; got 0"]),
}


@pytest.mark.parametrize(("arguments", "said"), USAGE.values(), ids=USAGE)
def test_usage(arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(arguments, capsys, *said)


ARRAYS = {
    "objects": (np.array([{}, 1, "a"], dtype=object), "Python objects, which are never unpickled"),
    "nan": (np.full((40, 3), np.nan), "finite float32 values; got 120 that are NaN"),
    "inf": (np.array([[0.0, 1.0]] * 39 + [[np.inf, 0.0]]), "NaN, infinite or too large, the first at [39, 0]"),
    "rank": (np.zeros((4, 3, 2, 2, 2)), "(4, 3, 2, 2, 2)"),
    "one sample": (np.zeros((1, 3)), "got 1"),
    "no samples": (np.zeros((0, 3)), "must contain samples"),
    "complex": (np.zeros((40, 3), complex), "complex128"),
}


@pytest.mark.parametrize(("array", "said"), ARRAYS.values(), ids=ARRAYS)
def test_arrays(array: np.ndarray, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("bad.npy", array, allow_pickle=True)
    refused(["train", "bad.npy", *SMALL], capsys, "bad.npy" if said != "got 1" else "", said)


TOML = {
    "syntax": ("steps = ", "is not TOML"),
    "key": ("stpes = 5", "'stpes'"),
    "nested key": ("[training]\nn_critics = 5", "'n_critic'"),
    "type": ("steps = 'many'", "steps must be of type int; got 'many'"),
    "recipe type": ("recipe = 5", "recipe must be of type"),
    "objective type": ("objective = 5", "objective must be of type"),
    "recipe": ("recipe = 'digit'", "'digits'"),
    "table": ("training = 5", "training"),
    "bytes": ("\udcff", "is not TOML"),
}


@pytest.mark.parametrize(("text", "said"), TOML.values(), ids=TOML)
def test_toml(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.toml").write_bytes(text.encode(errors="surrogateescape"))
    refused(["train", "digits", *SMALL, "--config", "c.toml"], capsys, said, *([] if "digit'" in text else ["c.toml"]))


def test_a_file_of_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.npy").write_bytes(b"something else")
    refused(["train", "bad.npy", *SMALL], capsys, "bad.npy cannot be read", "its content has neither format")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nnonsense"], ids=["zero-byte", "corrupt"])
def test_bad_image(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (images("faces") / "bad.png").write_bytes(content)
    refused(["train", "faces", *SMALL], capsys, "faces/bad.png", "--data.skip-bad")


def test_empty_folder_and_image_bomb(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    refused(["train", "empty"], capsys, "empty", "must contain images; it is empty; supported endings: .bmp, ")
    bomb(images("faces") / "bomb.png")
    refused(["train", "faces"], capsys, "faces/bomb.png", "100 million")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is present")
def test_absent_device(capsys: pytest.CaptureFixture[str]) -> None:
    refused(["train", "digits", "--device", "cuda"], capsys, "--device cuda", "use auto or cpu")


def test_run_with_another_config(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = ["train", str(trained / "vectors.npy"), "--run", str(trained / "run"), *SMALL]
    before = (trained / "run" / "run.json").read_bytes()
    refused([*again, "--seed", "1", "--training.n-critic", "2"], capsys, "seed: 0 -> 1", "training.n_critic: 3 -> 2")
    refused([*again, "--steps", "1"], capsys, "steps: 2 -> 1")
    assert (trained / "run" / "run.json").read_bytes() == before


def test_run_of_other_data(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["train", "vectors.npy", "--run", str(trained / "run"), *SMALL, "--training.batch", "8"], capsys, "source")


def test_run_of_another_version(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As revisions before the format was written left them, or later ones will."""
    shutil.copytree(trained / "run", "old")
    facts = json.loads(Path("old/run.json").read_text())
    newer, older = "format must be 1; got 99; use a newer version of monge", "format must be 1; got 0; train it again"
    for content, found in ((facts | {"format": 99}, newer), ({"config": {}}, older)):
        Path("old/run.json").write_text(json.dumps(content))
        text = "run 'old' was written by another version of monge"
        for command in (["evaluate", "old"], ["report", "old"], ["sample", "old", "--out", "x.npz"]):
            refused(command, capsys, text, found)
        refused(["train", str(trained / "vectors.npy"), "--run", "old", *SMALL], capsys, text, found)


def test_reading_a_run(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained / "run")
    refused(["sample", folder, "--out", "no/such/x.png"], capsys, "--out no/such/x.png")
    refused(["sample", folder, "--out", "x.npz", "--weights", "emma"], capsys, "--weights 'emma'", "'ema'")
    refused(["sample", folder, "--out", "x.npz", "--seed", "-1"], capsys, "--seed must be at least 0; got -1")
    refused(["evaluate", folder, "--data", "digits"], capsys, "--data", "(3,)")
    refused(["evaluate", folder, "--data", "digist"], capsys, "'digist'", "'digits'")
    refused(["evaluate", folder, "--seed", "-1"], capsys, "--seed must be at least 0; got -1")


CHILDREN = [
    [],
    ["train", "digits", "--stpes", "5"],
    ["train", "digits", "--steps", "5", "--critic", "dcgn"],
    ["train", "vectors.npy", "--training.batch", "500"],
    ["train", "faces"],
    ["sample", "nowhere", "--out", "x.png"],
]


@pytest.mark.parametrize("arguments", CHILDREN, ids=" ".join)
def test_real_commands(arguments: list[str], here: Path) -> None:
    (images("faces") / "zero.png").touch()
    before = sorted(here.rglob("*"))
    done = child(arguments)
    assert done.returncode == 2
    check(done.stdout, done.stderr, [])
    assert [path for path in sorted(here.rglob("*")) if "cache" not in path.parts] == before


def test_allowed_with_a_warning() -> None:
    """Bad images left out, a default batch larger than the data, constant data: one line each, below the summary."""
    (images("faces") / "zero.png").touch()
    np.save("constant.npy", np.ones((400, 2)))
    np.save("blank.npy", np.zeros((400, 8, 8), np.uint8))
    np.save("small.npy", RANDOM.normal(size=(40, 3)))
    for data, said in [
        (["faces", "--data.skip-bad", "--training.batch", "8"], "skipped 1 of 41 images, which cannot be read"),
        (["small.npy"], "batch reduced from the recipe's 256 to 32, the number of training samples"),
        (["blank.npy"], "all training samples are identical"),
        (["constant.npy"], "all training samples are identical"),
    ]:
        done = child(["train", *data, *SMALL])
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("step ")]
        assert len(lines) == 2, done.stderr
        assert lines[0].startswith(f"monge: {Path(data[0]).stem}: ")
        assert lines[1].startswith("monge: warning: ")
        assert said in lines[1]
