"""What an alarm is called where columns and pairs of columns moved."""

from monitor.naming import named

WATCHED = {
    "ab": ("a", "b"),
    "bc": ("b", "c"),
    "bd": ("b", "d"),
    "de": ("d", "e"),
}


def told(*moved, known=True):
    return named(moved, WATCHED, lambda _: (1.0, 0.0) if known else None, lambda column: f"{column} moved")


def test_the_column_that_the_pairs_share_comes_first():
    found = told("de", "ab", "bc")
    assert found.columns == ("b", "a", "c", "d", "e")
    assert found.words == (
        "b and a: correlation 0.76 to 0.00",
        "b and c: correlation 0.76 to 0.00",
        "d and e: correlation 0.76 to 0.00",
    )
    assert found.more == 0


def test_a_pair_alone_stands_as_it_is():
    assert told("ab").columns == ("a", "b")


def test_a_column_that_is_surer_than_all_pairs_names_the_alarm_alone():
    found = told("b", "ab", "x", "bc")
    assert (found.columns, found.words) == (("b", "x"), ("b moved", "x moved"))


def test_columns_that_are_less_sure_than_a_pair_stand_behind_it():
    found = told("ab", "x", "bc")
    assert found.columns == ("b", "a", "c", "x")
    assert found.words[-1] == "x moved"


def test_columns_beyond_the_third_finding_are_counted():
    found = told("ab", "bc", "bd", "de", "x")
    assert found.columns == ("b", "a", "c", "d", "e", "x")
    assert len(found.words) == 3
    assert found.more == 2
    assert told("w", "x", "y", "z").more == 1


def test_a_model_without_a_name_of_the_column_has_words_only():
    found = named(("",), {}, lambda _: None, lambda _: "error rose")
    assert (found.columns, found.words, found.more) == ((), ("error rose",), 0)


def test_a_window_that_lacks_the_pair_gives_no_numbers():
    assert told("ab", known=False).words == ("a and b: correlation changed",)
