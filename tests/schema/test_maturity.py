from typing import get_args

import pytest

from cxml.schema.maturity import ASPECTS, MEANINGS, SOURCES, Aspect, Source, part_title


def test_every_cell_of_four_sources_and_four_aspects_has_a_meaning():
    assert tuple(SOURCES) == get_args(Source)
    assert tuple(ASPECTS) == get_args(Aspect)
    assert set(MEANINGS) == {(source, aspect) for source in SOURCES for aspect in ASPECTS}
    assert len(set(MEANINGS.values())) == 16


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (("competitors", "prices"), "competitors x prices and portfolio"),
        (("customer", "all"), "customer, all"),
        (("all", "social"), "social network, all"),
    ],
)
def test_a_part_is_called_by_its_row_and_its_column(part, title):
    assert part_title(*part) == title
