import pytest

from cxml.errors import each_fault, listed


@pytest.mark.parametrize("faults", [["one: is wrong."], ["a: is wrong.", "b: is 2 faults:"], ["a: x", "b: y", "c: z"]])
def test_what_was_listed_can_be_told_one_by_one(faults):
    assert each_fault(listed(faults)) == faults


def test_a_message_that_lists_nothing_is_one_fault():
    assert each_fault("2 faults: and a dash\n  - only one") == ["2 faults: and a dash\n  - only one"]
