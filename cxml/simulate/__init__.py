"""The sample company, with known truth: what the tests, the notebooks and the benchmarks stand on."""

from cxml.simulate.company import Simulation, simulate

__all__ = ["Simulation", "simulate"]
