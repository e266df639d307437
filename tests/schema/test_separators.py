import pytest

from cxml.schema.separators import with_separators


@pytest.mark.parametrize(("language", "expected"), [("en", "-18,525.51"), ("pt", "-18\N{NO-BREAK SPACE}525,51")])
def test_thousands_and_decimals_are_those_of_the_language(language, expected):
    assert with_separators("-18,525.51", language) == expected
