"""What benchmarks plant to be found."""
