"""The closed SQL-like grammar that feature filters and rules share: parsed once, then run on arrays or as DuckDB SQL."""
