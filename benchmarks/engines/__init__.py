"""The engines that are compared, each in a process of its own, all reading the same Parquet files."""
