"""What cxml costs, measured: ``python -m benchmarks`` lists the benchmarks."""
