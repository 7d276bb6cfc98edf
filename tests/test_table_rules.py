"""Derived columns, impossible combinations, conditions, completed rows, and the made shop."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monge.data.table import combination, dependence, derived
from monge.data.table.combination import MISSING, PRESENT, Combination, Combinations
from monge.data.table.condition import Condition, parse
from monge.data.table.imputation import balance, fill, quotas
from monge.data.table.predicate import COMPARISONS, Comparison, Junction, Membership, Missing, Not, Sum
from monge.data.table.schema import Column, Schema
from monge.data.table.shop import FIRST_DAY, PRODUCTS, shop_rows
from monge.errors import UserError

ADULT = Path(__file__).parents[2] / "shared" / "data" / "adult.parquet"
Array = NDArray[np.float64]


def numbers(**columns: Array) -> tuple[Schema, Array]:
    """A table of numbers that keep all their digits; integers are said to be some."""
    kinds = ["integer" if (values[~np.isnan(values)] % 1 == 0).all() else "number" for values in columns.values()]
    schema = Schema(tuple(Column(name, kind) for name, kind in zip(columns, kinds, strict=True)))  # type: ignore[arg-type]
    return schema, np.stack(list(columns.values()), axis=1)


# --- derived columns


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
@given(weight=st.sampled_from([1.0, 1.19, 0.5, 1 / 3]), seed=st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_arithmetic_is_found_and_restored_to_the_last_digit(operation: Any, weight: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x1, x2 = np.round(random.lognormal(3, 1, 500), 2), random.integers(1, 40, 500).astype(float)
    y = np.round(weight * derived.feature(np.stack([x1, x2], 1), (0, 1), operation), 3)
    missing = random.random(500) < 0.1
    x1[missing], y[missing] = np.nan, np.nan
    schema = Schema((Column("a", "number", decimals=2), Column("b", "integer"), Column("c", "number", decimals=3)))
    raw = np.stack([x1, x2, y], axis=1)
    (found,) = dependence.find(schema, raw)
    blank = raw.copy()
    blank[:, found.column] = 77
    np.testing.assert_allclose(derived.restore([found], blank), raw, atol=1.001e-3 if operation == "/" else 1e-9)
    assert derived.from_json(json.loads(json.dumps(found.as_json()))) == found
    if operation in ("+", "*"):  # and not one of the parts, of which the other would be a difference or a quotient
        assert (found.column, found.sources) == (2, (0, 1))


def test_no_column_of_independent_ones_is_derived() -> None:
    random = np.random.default_rng(3)
    raw = np.stack([random.normal(size=300), random.integers(0, 9, 300), random.random(300) < 0.01], axis=1)
    levels = ("no", "yes")
    schema = Schema((Column("x", "number"), Column("k", "integer"), Column("rare", "boolean", levels=levels)))
    assert dependence.find(schema, raw.astype(float)) == ()


def test_one_exception_among_many_rows_is_enough() -> None:
    random = np.random.default_rng(3)
    x = random.integers(0, 9, 30_000).astype(float)
    schema, raw = numbers(x=x, y=x % 3)
    assert [found.described(schema) for found in dependence.find(schema, raw)] == ["'y' is determined by 'x'"]
    raw[np.argmax(x == 5), 1] = 0
    assert dependence.find(schema, raw) == ()


def test_what_identifies_rows_determines_nothing() -> None:
    random = np.random.default_rng(3)
    ids, groups = np.repeat(np.arange(250.0), 4), np.repeat(random.integers(0, 5, 250), 4).astype(float)
    order = random.permutation(1000)
    schema = Schema((Column("id", "integer"), Column("group", "category", levels=tuple("abcde"))))
    assert dependence.find(schema, np.stack([ids, groups], axis=1)[order]) == ()


def test_levels_are_kept_and_chains_have_no_circle() -> None:
    random = np.random.default_rng(3)
    town = random.integers(0, 12, 2000).astype(float)
    code = (town * 7) % 13
    state = np.where(town == 3, np.nan, town % 4)
    columns = (
        Column("code", "integer"),
        Column("town", "category", levels=tuple("abcdefghijkl")),
        Column("state", "category", levels=tuple("wxyz"), missing=True),
        Column("twin", "category", levels=tuple("ABCDEFGHIJKL")),
    )
    schema, raw = Schema(columns), np.stack([code, town, state, town], axis=1)
    found = dependence.find(schema, raw)
    assert sorted(schema.names[one.column] for one in found) == ["code", "state", "twin"]
    blank = np.full_like(raw, np.nan)
    blank[:, 1] = town
    np.testing.assert_array_equal(derived.restore(found, blank), raw)
    assert [derived.from_json(json.loads(json.dumps(one.as_json()))) for one in found] == list(found)


def test_dates_have_differences_and_parts() -> None:
    random = np.random.default_rng(3)
    start = FIRST_DAY + random.integers(0, 730, 3000).astype(float)
    days = random.poisson(9, 3000).astype(float)
    month = np.array([int(str(day)[5:7]) for day in start.astype("datetime64[D]")], float)
    seconds = start * 86400 + random.integers(0, 86400, 3000)
    hours = random.integers(1, 500, 3000) / 4
    columns = [Column("start", "date"), Column("days", "integer"), Column("end", "date"), Column("month", "integer")]
    columns += [Column("t", "datetime"), Column("hours", "number", decimals=2), Column("u", "datetime")]
    schema = Schema(tuple(columns))
    raw = np.stack([start, days, start + days, month, seconds, hours, seconds + 3600 * hours], axis=1)
    found = dependence.find(schema, raw)
    assert {one.described(schema) for one in found} == {
        "start = date of t",
        "end = start + days",
        "'month' is determined by the month of 'start'",
        "hours = 0.000277778 * (u - t)",
    }
    blank = raw.copy()
    blank[:, [one.column for one in found]] = np.nan
    np.testing.assert_array_equal(derived.restore(found, blank), raw)


def test_a_number_between_the_keys_is_read_off_the_nearest() -> None:
    lookup = derived.Lookup(1, 0, "value", False, (1.0, 4.0, None), (10.0, None, 30.0))
    raw = np.array([[1, 0], [2, 0], [3, 0], [9, 0], [np.nan, 0]])
    np.testing.assert_array_equal(lookup.compute(raw), [10, 10, np.nan, np.nan, 30])


# --- combinations


def pairs(table: NDArray[np.int64]) -> tuple[Schema, Array]:
    """Rows of two columns with given counts; the last row and column of the counts are missing values."""
    left, right = (np.repeat(part.ravel(), table.ravel()).astype(float) for part in np.indices(table.shape))
    left[left == len(table) - 1], right[right == table.shape[1] - 1] = np.nan, np.nan
    sizes = (len(table) - 1, table.shape[1] - 1)
    columns = [Column(name, "category", levels=tuple("pqrstuv"[:k])) for name, k in zip("ab", sizes, strict=True)]
    return Schema(tuple(columns)), np.stack([left, right], axis=1)


def test_combinations_of_known_counts() -> None:
    schema, raw = pairs(np.array([[0, 900, 0], [900, 900, 0], [4, 900, 0]]))
    found = combination.find(schema, raw).found
    assert [(one.described(schema), one.seen, one.impossible) for one in found] == [
        ("a = 'p' and b = 'p'", 0, True),
        ("a is null and b = 'p'", 4, False),
    ]
    assert found[0].expected == pytest.approx(900 * 904 / 3604)
    assert found[1].rate == pytest.approx(4 / 3604)


def test_values_missing_together_are_one_combination_each_way() -> None:
    schema, raw = pairs(np.array([[300, 200, 0], [200, 300, 0], [0, 0, 50]]))
    found = combination.find(schema, raw)
    assert {one.values for one in found.found} == {(MISSING, PRESENT), (PRESENT, MISSING)}
    assert found.violated(np.array([[np.nan, 1], [0, np.nan], [np.nan, np.nan], [1, 1]])).tolist() == [1, 1, 0, 0]
    assert Combinations.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_few_expected_rows_make_nothing_impossible() -> None:
    schema, raw = pairs(np.array([[0, 90, 0], [90, 300, 0], [0, 0, 0]]))
    (unseen,) = combination.find(schema, raw).found
    assert not unseen.impossible
    assert unseen.rate == 0.5 / 480
    assert combination.find(*pairs(np.array([[0, 20, 0], [20, 60, 0], [0, 0, 0]]))).found == ()


def test_independent_columns_have_every_combination() -> None:
    random = np.random.default_rng(3)
    columns = tuple(Column(f"c{index}", "category", levels=tuple(map(str, range(30)))) for index in range(6))
    shares = np.arange(1, 31) / 465
    raw = random.choice(30, (20_000, 6), p=shares).astype(float)
    raw[random.random(raw.shape) < 0.05] = np.nan
    assert combination.find(Schema(columns), raw).found == ()


def test_rare_combinations_are_kept_at_their_rate() -> None:
    random = np.random.default_rng(3)
    rare = Combinations((Combination((0, 1), (0, 0), seen=50, expected=3000, rows=10_000),))
    raw = random.integers(0, 2, (40_000, 2)).astype(float)
    kept = rare.keep(raw, np.random.default_rng(0))
    has = (raw == 0).all(axis=1)
    assert kept[~has].all()
    assert kept[has].sum() == 200
    few = [int(rare.keep(np.zeros((50, 2)), random).sum()) for _ in range(2000)]
    assert set(few) == {0, 1}
    assert abs(np.mean(few) - 0.25) < 0.05
    # among rows that were asked for the first column's level, which a tenth of all have
    assert rare.keep(np.zeros((3000, 2)), random, {0: 0.1}).sum() == 150
    assert rare.keep(np.zeros((3000, 2)), random, {2: 0.1}).sum() == 15


# --- conditions

TABLE = Schema(
    (
        Column("age", "integer", missing=True),
        Column("hours per week", "number", decimals=1),
        Column("it's `odd`", "category", levels=("a", "b c", "d'e", '"', ">50K"), missing=True),
        Column("grade", "category", levels=("1", "2", "10")),
        Column("born", "date"),
        Column("seen", "datetime"),
        Column("HS-grad", "boolean", levels=("false", "true"), missing=True),
        Column("key", "identifier"),
        Column("due", "date", form="%d.%m.%Y"),
        Column("home", "category", levels=("b c", "zz")),
        Column("opens", "datetime", form="%-H:%M"),
    )
)


def rows(**values: float) -> Array:
    """One row of the table (1, 10), with zeros where nothing is said."""
    given = dict.fromkeys(TABLE.names, 0.0) | {name.replace("_", " "): value for name, value in values.items()}
    return np.array([[given[name] for name in TABLE.names]])


SUMS = st.builds(
    lambda terms, constant: Sum(tuple(terms), constant),
    st.lists(st.tuples(st.sampled_from([1.0, -1.0]), st.integers(0, 1)), min_size=1, max_size=3),
    st.integers(-40, 40).map(lambda whole: whole / 4),
)
SIMPLE = st.one_of(
    st.builds(Comparison, SUMS, st.sampled_from(sorted(COMPARISONS)), SUMS),
    st.builds(
        lambda allowed: Membership(2, tuple(sorted(allowed))), st.sets(st.integers(0, 4), min_size=1, max_size=4)
    ),
    st.builds(Missing, st.integers(0, 8)),
)
PREDICATES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(
            lambda word, parts: Junction(word, tuple(parts)),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=8,
)


@given(PREDICATES)
@settings(deadline=None)
def test_a_printed_condition_parses_to_itself(predicate: Any) -> None:
    condition = Condition(predicate, TABLE)
    assert parse(str(condition), TABLE) == condition


def truth(predicate: Any, row: Array) -> bool | None:
    """Kleene's logic, one row at a time; None is unknown."""
    if isinstance(predicate, Missing):
        return bool(np.isnan(row[predicate.column]))
    if isinstance(predicate, Membership):
        value = row[predicate.column]
        return None if np.isnan(value) else int(value) in predicate.allowed
    if isinstance(predicate, Not):
        inner = truth(predicate.part, row)
        return None if inner is None else not inner
    if isinstance(predicate, Junction):
        values = [truth(part, row) for part in predicate.parts]
        decisive = predicate.word == "or"
        return decisive if decisive in values else None if None in values else not decisive
    left, right = (side.constant + sum(f * row[i] for f, i in side.terms) for side in (predicate.left, predicate.right))
    if np.isnan(left - right):
        return None
    return bool(
        {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right}.get(
            predicate.operation, left > right if predicate.operation == ">" else left >= right
        )
    )


@given(PREDICATES, st.integers(0, 999))
@settings(deadline=None)
def test_a_condition_holds_where_three_valued_logic_says_so(predicate: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.integers(-8, 9, (30, len(TABLE))) / 4.0
    for index, column in enumerate(TABLE):
        if column.levelled:
            raw[:, index] = random.integers(0, len(column.levels), 30)
    raw[random.random(raw.shape) < 0.2] = np.nan
    condition = Condition(predicate, TABLE)
    holds = condition.holds(raw)
    assert holds.tolist() == [truth(predicate, row) is True for row in raw]
    for index, allowed in condition.levels().items():
        levels = np.where(np.isnan(raw[holds, index]), len(TABLE.kept[index].levels), raw[holds, index])
        assert np.isin(levels, allowed).all()


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("age = 3 or age = 4 and age = 5", {"age": 3}, True),
        ("(age = 3 or age = 4) and age = 5", {"age": 3}, False),
        ("NOT age < 3 AND age IS NOT NULL", {"age": 3}, True),
        ("age != 3", {"age": np.nan}, False),
        ("not age = 3", {"age": np.nan}, False),
        ("age <> 3 or age is null", {"age": np.nan}, True),
        ("60 <= age", {"age": 60}, True),
        ("age between 1 and 'hours per week' + 2", {"age": 3, "hours_per_week": 1}, True),
        ("age + `hours per week` <= 3.3", {"age": 1, "hours_per_week": 2.3}, True),
        ("age in (1, -2.0)", {"age": -2}, True),
        ("age not in (1, 2)", {"age": 2}, False),
        ("grade >= 2", {"grade": 2}, True),
        ("grade = 10.0", {"grade": 2}, True),
        ("HS-grad = TRUE", {"HS-grad": 1}, True),
        ("home = `it's ``odd```", {"home": 0, "it's `odd`": 1}, True),
        ("home = `it's ``odd```", {"home": 1, "it's `odd`": 1}, False),
        ('"it\'s `odd`" in (\'d\'\'e\', """")', {"it's `odd`": 3}, True),
        ("born > 1970-01-02", {"born": 1}, False),
        ("born > '1970-01-02'", {"born": 2}, True),
        ("due = '03.01.1970' and due = 1970-01-03", {"due": 2}, True),
        ("due - born <= 30", {"due": 31, "born": 1}, True),
        ("seen >= born", {"seen": 86400, "born": 1}, True),
        ("seen < 1970-01-01T00:01", {"seen": 59}, True),
        ("seen < '1970-01-01 00:01:00'", {"seen": 60}, False),
        ("opens >= '8:30' and opens < '08:30:01'", {"opens": 30600}, True),
        ("opens between '08:31' and '9:00'", {"opens": 30600}, False),
    ],
)
def test_what_conditions_mean(text: str, values: dict[str, float], expected: bool) -> None:
    condition = parse(text, TABLE)
    assert condition.holds(rows(**values)).tolist() == [expected]
    assert parse(str(condition), TABLE) == condition


def test_levels_that_a_condition_asks_for() -> None:
    text = "home != zz and grade > 1 and grade in (1, 2) and HS-grad is null and (age > 3 or home = zz)"
    condition = parse(text, TABLE)
    position = TABLE.position
    asked = {position("home"): (0,), position("grade"): (1,), position("HS-grad"): (2,)}
    assert condition.levels() == asked
    assert condition.columns == tuple(sorted([*asked, position("age")]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "position 1 must be a column or a value; got the end"),
        ("agee > 3", "position 1: column 'agee' is not known; did you mean 'age'?"),
        ("Age > 3", "did you mean 'age'?"),
        ("home = ZZ", "position 8: value of 'home' 'ZZ' is not known; did you mean 'zz'?"),
        ("age > old", "position 7: column 'old' is not known"),
        ("age > 'old'", "position 7 must be a number or a column of numbers; got 'old'"),
        ("age + home > 3", "position 7 must be a column of numbers or dates, and 'home' is neither; got 'home'"),
        ("home < 3", "position 8: 'home' contains no numbers, so that only =, != and 'in' are allowed; got '<'"),
        ("grade > 10", "position 9 must be a number that some value of 'grade' is >; got '10'"),
        ("born > 2020", "position 8 must be a date such as '2024-01-31', to compare with 'born'; got '2020'"),
        ("born > soon", "position 8 must be a date such as '2024-01-31', alone, to compare with 'born'; got 'soon'"),
        ("opens > 1970-01-01", "position 9 must be a time such as '08:30', alone, to compare with 'opens'"),
        ("key = 3", "position 1: column 'key' identifies rows and is left out"),
        ("-home = zz", "position 2 must be a column of numbers or dates, and 'home' is neither"),
        ("-age is null", "position 6 must be one of = != <= >= < >; got 'is'"),
        ("3 > 4", "position 1 must be a column; got '3'"),
        ("age", "position 4 must be one of = != <= >= < >, 'in', 'between' or 'is'; got the end"),
        ("age not 3", "position 9 must be 'in' or 'between'; got '3'"),
        ("age > 3 home = zz", "position 9 must be 'and', 'or' or the end; got 'home'"),
        ("(age > 3", "position 9 must be ')'; got the end"),
        ("age in (1; 2)", "position 10 must be a column, a value or an operator; got '; 2)'"),
        ("home = 'zz", "position 8 must be closed by the same quote"),
    ],
)
def test_errors_say_where_and_what(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse(text, TABLE, "--rule")
    assert str(error.value).startswith("--rule: position ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_deep_conditions_are_refused() -> None:
    with pytest.raises(UserError, match="--where must have fewer parts inside each other"):
        parse("(" * 5000, TABLE)


# --- rows completed, and classes in equal numbers


def test_filled_rows_agree_and_are_nearest() -> None:
    random = np.random.default_rng(3)
    schema, pool = shop_rows(400, 1)
    _, given = shop_rows(60, 2)
    known = random.random(given.shape) < 0.3
    known[:5], known[5:10] = False, True
    deviations = np.nanstd(pool, axis=0)
    out = fill(schema, np.where(known, given, np.nan), known, pool, deviations)
    np.testing.assert_array_equal(out[known], given[known])
    np.testing.assert_array_equal(out, fill(schema, np.where(known, given, np.nan), known, pool, deviations))
    numeric = np.array([column.numeric for column in schema])
    for row, true, mask in zip(out[10:], given[10:], known[10:], strict=True):
        same = (pool == true) | (np.isnan(pool) & np.isnan(true))
        others = (~same)[:, mask & ~numeric].sum(axis=1)
        steps = ((pool - true) / deviations)[:, mask & numeric] ** 2
        distance = np.where(np.isnan(steps), ~same[:, mask & numeric], steps).sum(axis=1)
        donor = ((pool == row) | (np.isnan(pool) & np.isnan(row)))[:, ~mask].all(axis=1)
        best = others == others.min()
        assert others[donor].min() == others.min()
        assert distance[donor & best].min() == pytest.approx(distance[best].min())


def test_equally_near_rows_are_chosen_alike() -> None:
    schema = Schema((Column("x", "number"), Column("y", "number")))
    pool = np.stack([np.ones(10), np.arange(10.0)], axis=1)
    known = np.tile([True, False], (5000, 1))
    out = fill(schema, np.ones((5000, 2)), known, pool, np.ones(2))
    counts = np.bincount(out[:, 1].astype(int), minlength=10)
    assert np.abs(counts - 500).max() < 5 * math.sqrt(450)


def test_balance() -> None:
    schema, pool = shop_rows(5000)
    chosen = balance(schema, pool, 3, 100)
    assert len(set(chosen.tolist())) == 100
    assert np.bincount(pool[chosen, 3].astype(int)).tolist() == quotas(3, 100) == [34, 33, 33]
    with pytest.raises(UserError, match=r"--balance product: 125 generated rows .* got \d+ with 'piano', of 5000"):
        balance(schema, pool, 1, 1000)
    with pytest.raises(UserError, match="--balance must be a column with levels; 'price' is of kind number"):
        balance(schema, pool, 4, 10)


# --- the made shop, and a real table


def test_the_shop_is_as_told() -> None:
    schema, raw = shop_rows()
    assert np.array_equal(raw, shop_rows()[1], equal_nan=True)
    assert not np.array_equal(raw, shop_rows(seed=1)[1], equal_nan=True)
    column = {name: raw[:, index] for index, name in enumerate(schema.names)}
    member = column["customer"] == 1
    shares = {
        "piano": (column["product"] == sorted(PRODUCTS).index("piano"), 0.001),
        "book": (column["product"] == 0 + sorted(PRODUCTS).index("book"), 0.3),
        "member": (member, 0.6),
        "invoice of members": (column["payment"][member] == 1, 0.3),
        "missing delivery": (np.isnan(column["delivered"]), 0.1),
        "missing rating": (np.isnan(column["rating"]), 0.5),
        "best of guests": (column["rating"][~member & ~np.isnan(column["rating"])] == 5, 0.3),
        "returned when bad": (column["returned"][column["rating"] < 3], 0.25),
        "single and cheap": (column["quantity"][column["price"] < 50] == 1, math.exp(-0.8)),
    }
    for name, (values, share) in shares.items():
        error = abs(np.mean(values) - share) / math.sqrt(share * (1 - share) / len(values))
        assert error < 4, name
    heaped = np.mean(np.round(column["price"] * 100) % 100 == 99)
    assert abs(heaped - 0.703) < 4 * math.sqrt(0.21 / len(raw))  # .7, and 1 % of the others
    assert [one.described(schema) for one in dependence.find(schema, raw)] == ["total = price * quantity"]
    found = combination.find(schema, raw)
    assert [one.described(schema) for one in found.found if one.impossible] == [
        "customer = 'guest' and payment = 'invoice'",
        "delivered is null and carrier is not null",
        "delivered is not null and carrier is null",
    ]
    assert parse("delivered > ordered or delivered is null", schema).holds(raw).all()


@pytest.mark.skipif(not ADULT.exists(), reason="the census of incomes is not here")
def test_the_census_of_incomes() -> None:
    from pyarrow import compute, parquet

    table = parquet.read_table(ADULT, columns=["education", "education_num", "relationship", "sex", "split"])
    table = table.filter(compute.equal(table["split"], "train")).drop(["split"])
    columns, values = [], []
    for name in table.column_names:
        texts = np.array(table[name].to_pylist())
        levels, places = np.unique(texts, return_inverse=True)
        number = name == "education_num"
        columns.append(Column(name, "integer") if number else Column(name, "category", levels=tuple(levels.tolist())))
        values.append(texts.astype(float) if number else places.astype(float))
    schema, raw = Schema(tuple(columns)), np.stack(values, axis=1)
    found = dependence.find(schema, raw)
    assert [one.described(schema) for one in found] == ["'education_num' is determined by 'education'"]
    np.testing.assert_array_equal(derived.restore(found, raw * [1, 0, 1, 1]), raw)
    rare = {one.described(schema): one.seen for one in combination.find(schema, raw).found}
    assert rare == {"relationship = 'Husband' and sex = 'Female'": 1, "relationship = 'Wife' and sex = 'Male'": 2}
