"""One company for all tests of the simulation: drawn once, with its latent life kept beside its tables."""

import numpy as np
import pytest

from cxml.simulate import Simulation
from cxml.simulate.company import lived, simulation
from cxml.simulate.life import Life


@pytest.fixture(scope="session")
def run_and_company() -> tuple[Life, Simulation]:
    rng = np.random.default_rng(11)
    run = lived(12_000, 30, rng, keep=frozenset(range(30)))
    return run, simulation(run, rng)


@pytest.fixture(scope="session")
def run(run_and_company: tuple[Life, Simulation]) -> Life:
    return run_and_company[0]


@pytest.fixture(scope="session")
def company(run_and_company: tuple[Life, Simulation]) -> Simulation:
    return run_and_company[1]
