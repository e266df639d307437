"""The closed SQL-like grammar that feature filters and rules share: parsed once, run on arrays or as DuckDB SQL."""
