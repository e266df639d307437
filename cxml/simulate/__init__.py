"""The sample company, with known truth: what the tests, the notebooks and the benchmarks stand on."""

from cxml.simulate.company import Simulation, simulate
from cxml.simulate.live import LiveCompany

__all__ = ["LiveCompany", "Simulation", "simulate"]
