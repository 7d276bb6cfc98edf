"""The lab in a real browser: every control does what it says, by keyboard too, at both widths, and nothing leaves."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from browser import Tab, browser, complaints
from served import Server

pytestmark = pytest.mark.web

SMALL = (
    "generator=mlp:latent%3D2:width%3D8:depth%3D1&critic=mlp:width%3D8:depth%3D1&training.batch=16&training.n_critic=2"
)
"""Networks of a lab whose steps take no time."""
DIGEST = """
crypto.subtle.digest("SHA-1", new TextEncoder().encode(document.querySelector(SELECTOR).toDataURL()))
  .then(found => [...new Uint8Array(found)].join(" "))
"""
LAST = "document.querySelector('dl').textContent"
STATIC = Path(__file__).parent.parent / "src/monge/app/static"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Tab]]:
    """A browser."""
    with browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.fixture
def tab(opened: Callable[[], Tab]) -> Iterator[Tab]:
    """A tab that says nothing on its console, and asks no other server; closed after."""
    found = opened()
    yield found
    assert found.console == []
    outside = [url for url in found.requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert outside == []
    found.send("Page.navigate", url="about:blank")


def begun(tab: Tab, server: Server, rest: str = "", width: int = 1280) -> None:
    """Opens the lab and waits for its first picture."""
    tab.open(server.page("/lab") + f"#{SMALL}{rest}", width)
    tab.until("document.querySelector('dl dd') !== null")


def step(tab: Tab) -> int:
    """The step that is shown."""
    found = tab.run("parseInt(document.querySelector('dl dd').textContent)")
    assert isinstance(found, int)
    return found


def choose(tab: Tab, selector: str, value: Any) -> None:
    """Sets a field, as a person does who leaves it then."""
    tab.run(
        f"(field => {{ field.value = {json.dumps(value)}; "
        "field.dispatchEvent(new Event('input', { bubbles: true })); "
        f"field.dispatchEvent(new Event('change', {{ bubbles: true }})); }})(document.querySelector({selector!r}))"
    )


def coloured(tab: Tab, selector: str = ".plane") -> str:
    """All that a canvas shows, in some digits."""
    found = tab.run(DIGEST.replace("SELECTOR", repr(selector)))
    assert isinstance(found, str)
    return found


def test_steps_by_button_and_by_key(tab: Tab, server: Server) -> None:
    """Steps, parts of steps, updates out of turn, play, pause and reset."""
    begun(tab, server)
    assert step(tab) == 0
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '1'")
    tab.run("document.querySelector('#phase').focus()")
    tab.press("Enter")
    tab.until("document.querySelector('dl dd').textContent === '1, critic 1'")
    tab.press(" ")
    tab.until("document.querySelector('dl dd').textContent === '1, critic 2'")
    assert tab.run("document.querySelector('#command').disabled") is False
    tab.click("#critic")
    tab.until("document.querySelector('#command').disabled")
    assert "no command does" in tab.run("document.querySelector('#why').textContent")
    tab.click("#generator")
    tab.until("document.querySelector('dl dd').textContent === '3'")
    tab.click("#reset")
    tab.until("document.querySelector('dl dd').textContent === '0'")
    tab.click("#play")
    tab.until("parseInt(document.querySelector('dl dd').textContent) > 5")
    assert tab.run("document.querySelector('#play').textContent") == "Pause"
    tab.click("#play")
    tab.until("document.querySelector('#play').textContent === 'Play'")


def test_back_in_time(tab: Tab, server: Server) -> None:
    """What was is shown again, and Now returns."""
    begun(tab, server)
    first = coloured(tab)
    for target in range(1, 4):
        tab.click("#step")
        tab.until(f"document.querySelector('dl dd').textContent === '{target}'")
    now = coloured(tab)
    choose(tab, "#scrub", 0)
    assert step(tab) == 0
    assert coloured(tab) == first
    tab.click("#live")
    assert step(tab) == 3
    assert coloured(tab) == now


def test_speed(tab: Tab, server: Server) -> None:
    """25 steps a picture, and slow motion by parts."""
    begun(tab, server)
    choose(tab, "#speed", "25")
    tab.click("#play")
    tab.until("parseInt(document.querySelector('dl dd').textContent) >= 50")
    tab.click("#play")
    tab.until("document.querySelector('#play').textContent === 'Play'")
    assert step(tab) % 25 == 0
    choose(tab, "#speed", "slow")
    tab.click("#play")
    tab.until("document.querySelector('dl dd').textContent.includes('critic 1')")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_view_changes_the_picture(tab: Tab, server: Server, width: int) -> None:
    """And nothing is wider than the page."""
    begun(tab, server, "&views=real", width)
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '1'")
    for view in ("generated", "surface", "slope", "warp", "coupling"):
        before = coloured(tab)
        tab.click(f"#views input[value={view}]")
        tab.until(lambda before=before: coloured(tab) != before)
    tab.click("#views input[value=arrows]")
    tab.until(f"{LAST}.includes('steepest arrow')")
    tab.click("#views input[value=weights]")
    tab.until("!document.querySelector('.histogram').hidden")
    tab.click("#views input[value=losses]")
    tab.until("!document.querySelector('.chart').hidden")
    tab.click("#views input[value=distances]")
    tab.until(f"{LAST}.includes('modes covered')")
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert "views=real+generated+surface" in tab.run("location.hash")


def test_settings_while_it_trains(tab: Tab, server: Server) -> None:
    """Rates and penalties change the training that goes on; networks begin anew; what is refused is said."""
    begun(tab, server)
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '1'")
    choose(tab, "[data-rule='training.n_critic']", "1")
    tab.until("""decodeURIComponent(location.hash).includes('"training.n_critic":1')""")
    assert step(tab) == 1
    choose(tab, "[name='0.weight']", "0.5")
    tab.until("location.hash.includes('weight%3D0.5')")
    assert tab.run("document.querySelector('#command').disabled")
    choose(tab, "[data-rule='training.batch']", "1")
    tab.until("document.querySelector('#notice').textContent.includes('--training.batch must be')")
    assert tab.run("document.querySelector(\"[data-rule='training.batch']\").value") == "16"
    choose(tab, "[data-net='critic.width']", "12")
    tab.until("document.querySelector('dl dd').textContent === '0'")
    assert "anew" in tab.run("document.querySelector('#notice').textContent")
    choose(tab, "#seed", "5")
    tab.until("location.hash.includes('seed=5')")
    choose(tab, "#data", "toy:moons")
    tab.until("location.hash.includes('moons')")


def test_objectives_side_by_side(tab: Tab, server: Server) -> None:
    """Up to three, each with a panel; one that fails says so."""
    begun(tab, server)
    tab.click("#add")
    tab.until("document.querySelectorAll('.panel').length === 2")
    tab.click("#add")
    tab.until("document.querySelectorAll('.panel').length === 3")
    assert tab.run("document.querySelector('#add').disabled")
    choose(tab, "#objectives .objective:nth-child(2) select", "gan")
    tab.until("document.querySelectorAll('.panel h2')[1].textContent === 'gan'")
    tab.click("#step")
    tab.until("[...document.querySelectorAll('.panel')].every(one => one.querySelector('dd')?.textContent === '1')")
    tab.click("#objectives .objective:nth-child(3) button")
    tab.until("document.querySelectorAll('.panel').length === 2")


def test_mistakes_say_what_one_sees(tab: Tab, server: Server) -> None:
    """In the language chosen."""
    begun(tab, server)
    faults = json.loads((STATIC / "faults.json").read_text())
    for name, texts in faults.items():
        tab.click(f"#faults input[value={name}]")
        tab.until(f"document.querySelector('#broken').textContent.includes({json.dumps(texts['en'])})")
    choose(tab, "#language", "zh")
    tab.until(f"document.querySelector('#broken').textContent.includes({json.dumps(faults['sigmoid']['zh'])})")


@pytest.mark.parametrize("width", [1280, 390])
def test_lessons(tab: Tab, server: Server, width: int) -> None:
    """Each tells its text, begins its training, and is in the link."""
    begun(tab, server, width=width)
    lessons = json.loads((STATIC / "lessons.json").read_text())
    for name, lesson in lessons.items():
        choose(tab, "#lesson", name)
        count = len(lesson["preset"]["settings"]["objectives"])
        tab.until(f"document.querySelectorAll('.panel').length === {count}")
        tab.until(f"location.hash.includes('lesson={name}')")
        assert lesson["en"]["question"] in tab.run("document.querySelector('#lesson-text').textContent")
        assert tab.run("document.documentElement.scrollWidth") <= width
    choose(tab, "#language", "zh")
    assert lesson["zh"]["question"] in tab.run("document.querySelector('#lesson-text').textContent")
    assert tab.run("document.querySelector('#lesson-text').lang") == "zh"


def test_own_distributions(tab: Tab, server: Server) -> None:
    """Drawn by mouse, by keyboard, or read from a file."""
    begun(tab, server)
    tab.click("#draw")
    tab.until("document.querySelector('#pad').open")
    tab.click("#paper", 0.25, 0.25)
    tab.run("document.querySelector('#paper').focus()")
    for key in ("ArrowRight", "ArrowDown", " "):
        tab.press(key)
    assert tab.run("document.querySelector('#paper').getAttribute('aria-label')") == "Drawing of 2 points"
    tab.click("#use")
    tab.until("location.hash.includes('points-')")
    tab.until("document.querySelector('#data').selectedOptions[0].text.startsWith('your own')")
    text = "name;x;y\n" + "".join(f"a;{row / 10};{row % 7},5\n" for row in range(60))
    tab.run(
        f"(box => {{ const held = new DataTransfer(); held.items.add(new File([{json.dumps(text)}], 'own.csv')); "
        "box.files = held.files; box.dispatchEvent(new Event('change')); })(document.querySelector('#csv'))"
    )
    before = tab.run("location.hash")
    tab.until(f"location.hash !== {json.dumps(before)} && location.hash.includes('points-')")
    assert "batch=48" in tab.run("location.hash")


def test_take_along(tab: Tab, server: Server) -> None:
    """Command, Python and link, to be copied."""
    begun(tab, server, "&seed=4")
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '1'")
    for button, text in (("#command", "monge train toy:ring8"), ("#python", "monge.train("), ("#link", "seed=4")):
        tab.click(button)
        tab.until(f"document.querySelector('#copied').value.includes({json.dumps(text)})")


def test_a_link_repeats_a_training_with_its_changes(tab: Tab, server: Server, opened: Callable[[], Tab]) -> None:
    """The picture is the same."""
    begun(tab, server, "&views=generated")
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '1'")
    choose(tab, "[data-rule='training.learning_rate']", "0.1")
    tab.until("location.hash.includes('changes=')")
    tab.click("#step")
    tab.until("document.querySelector('dl dd').textContent === '2'")
    shown, link = coloured(tab), tab.run("location.hash")
    other = opened()
    other.open(server.page("/lab") + link)
    other.until("document.querySelector('dl dd') !== null")
    for target in ("1", "2"):
        other.click("#step")
        other.until(f"document.querySelector('dl dd').textContent === '{target}'")
    assert coloured(other) == shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everybody(tab: Tab, server: Server, scheme: str) -> None:
    """axe finds nothing serious, in either scheme, with all that can be open."""
    rest = f"#{SMALL}&lesson=collapse&views=real+generated+surface&break=sigmoid"
    tab.open(server.page("/lab") + rest, 1280, 900, scheme)
    tab.until("document.querySelector('dl dd') !== null")
    tab.click("#command")
    assert complaints(tab) == []


def test_a_damaged_link_and_a_lab_that_ended(tab: Tab, server: Server) -> None:
    """One line each, and the page goes on."""
    tab.open(server.page("/lab") + f"#data={quote('../../etc/passwd')}&seed=x&changes=[")
    tab.until("document.querySelector('#notice').textContent.length > 5")
    choose(tab, "#lesson", "clipping")
    tab.until("document.querySelector('dl dd') !== null")
