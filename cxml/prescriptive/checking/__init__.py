"""A policy checked like code: rules that cannot fire, limits that contradict, coverage, golden cases."""
