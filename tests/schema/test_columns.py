from cxml.schema import columns as c
from cxml.schema.frames import DRIVERS, HEALTH_ITEMS, PREDICTIONS, RECOMMENDATIONS
from cxml.schema.tables import TABLES


def test_the_columns_of_a_reason_carry_its_rank():
    assert c.reason_columns(2) == (
        "reason_2_feature",
        "reason_2_value",
        "reason_2_contribution",
        "reason_2_sentence",
    )


def test_every_column_of_every_schema_is_named_once_in_one_file():
    names = [value for name, value in vars(c).items() if name.isupper() and isinstance(value, str)]
    schemas = [*TABLES.values(), PREDICTIONS, RECOMMENDATIONS, HEALTH_ITEMS, DRIVERS]
    assert len(names) == len(set(names))
    assert {column.name for schema in schemas for column in schema.columns} <= set(names)
