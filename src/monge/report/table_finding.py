"""What the figures of a synthetic table say of its rows, by rules that state their thresholds."""

from monge.report.finding import Finding, Level, Seen

TOLD = 0.03
"""Accuracy of the two-sample test above that of real rows from which rows are told apart; less is chance."""
OFTEN, NEARLY_ALWAYS = 0.65, 0.85
"""Accuracies from which the difference is clear, and large."""
UNLIKE = 0.03
"""Likeness of a column below that of real rows from which it is told."""


def tells(seen: Seen) -> Finding | None:
    """Whether trees tell generated rows from real ones, and which column is least alike; of tables only."""
    table = seen.figures.get("table")
    if table is None:
        return None
    names = table["columns"]
    worst = min(names, key=lambda name: names[name]["shape"] - names[name]["floor"])
    column = f"The column that is least alike is {worst} ({names[worst]['shape']:.3f}, 1 is perfect)."
    test, real = (table["likeness"][source]["two_sample"] for source in ("generated", "real"))
    if test is None or real is None:
        far = names[worst]["floor"] - names[worst]["shape"] > UNLIKE
        return Finding("info", "One column is unlike the data", column, Level.SLIGHT) if far else None
    accuracy, usual = test["accuracy"]["value"], real["accuracy"]["value"]
    text = f"They are right in {100 * accuracy:.0f} % of rows; for real rows that is {100 * usual:.0f} %. {column}"
    if accuracy - usual < TOLD or test["accuracy"]["interval"][0] < usual:
        return Finding("good", "Trees hardly tell generated rows from real ones", text)
    if accuracy < OFTEN:
        return Finding("info", "Trees tell some generated rows from real ones", text, Level.SLIGHT)
    limit = Level.LARGE if accuracy > NEARLY_ALWAYS else Level.CLEAR
    return Finding("warn", "Trees tell generated rows from real ones", text, limit)


def leaks(seen: Seen) -> Finding | None:
    """What attacks found of the training rows; of tables only."""
    privacy = seen.figures.get("table", {}).get("privacy")
    if privacy is None:
        return None
    if privacy["findings"]:
        return Finding("bad", "The rows give away training rows", f"{privacy['verdict'].capitalize()}.", Level.CLEAR)
    text = f"{privacy['verdict'].capitalize()}. Other attacks may find one."
    return Finding("info", "No leak found by these attacks", text)
