from hypothesis import given
from hypothesis import strategies as st

from monitor.delta import Delta

mappings = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2))


@given(mappings, mappings)
def test_leads_from_one_mapping_to_the_other(before, after):
    assert Delta.between(before, after).applied(before) == after


def test_holds_only_what_is_new_differs_or_is_gone():
    before, after = {"same": 1000, "other": 1, "gone": 2}, {"same": int("1000"), "other": 3, "new": 4}
    assert Delta.between(before, after) == Delta({"other": 3, "new": 4}, frozenset({"gone"}))


def test_where_nothing_changed_the_mapping_itself_goes_on():
    known = {"a": 1}
    for after in (known, dict(known)):
        assert Delta.between(known, after) == Delta({}, frozenset())
        assert Delta.between(known, after).applied(known) is known
