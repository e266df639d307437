"""What several rooms' tests share: a small company, trained and scored once, and the real data if it is here."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

DATA = Path(os.environ.get("CXML_DATA") or Path(__file__).parents[2] / "shared" / "data")


def pytest_collection_modifyitems(items):
    """Begin with the notebooks: the longest at the end would keep one worker busy and the others waiting."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def _runs_stay_in_the_models_folder():
    """Keep training from logging to a server that the machine's own environment names."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture
def real_data(monkeypatch):
    """Return a function that gives the path of a real file, or skips the test by the file's name."""

    def path(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"the real data {name} is not here; set CXML_DATA to the folder that holds it")
        monkeypatch.setenv("CXML_DATA", str(DATA))
        return DATA / name

    return path


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """Return the sample company, 1,200 customers: config, simulation, models folder, what training and scoring gave.

    Its trees learn in larger steps than by default, so that there are fewer of them.
    """
    from cxml.config.load import example_config, load_config
    from cxml.pipeline import score, train
    from cxml.simulate import simulate

    models = tmp_path_factory.mktemp("models")
    config = load_config(example_config("sample.yaml"))
    config = config.model_copy(update={"models": config.models.model_copy(update={"learning_rate": 0.2})})
    simulation = simulate(1_200, random_state=0)
    trained = train(config, frames=simulation.tables, models=models)
    scored = score(config, frames=simulation.tables, models=models)
    return SimpleNamespace(config=config, simulation=simulation, models=models, trained=trained, scored=scored)


@pytest.fixture(scope="session")
def sample_features(sample):
    """Return the FEATURES frame that the sample company was scored from, with what its policy reads beside."""
    from pydantic import TypeAdapter

    from cxml.config.features import Feature
    from cxml.descriptive.features import customers_at
    from cxml.descriptive.sources import read_tables
    from cxml.pipeline.policy_features import policy_frame
    from cxml.predict import load

    features = TypeAdapter(tuple[Feature, ...]).validate_python(load(sample.trained.bundle).bundle.features)
    tables = read_tables(sample.config, sample.simulation.tables)
    return policy_frame(sample.config, tables, features, customers_at(tables, tables.as_of))


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """Return the company of tests/pipeline/planted.py, whose actions have known effects, trained and scored once."""
    from planted import planted_tables, write_planted

    from cxml.config.load import load_config
    from cxml.pipeline import score, train

    folder, tables = tmp_path_factory.mktemp("planted"), planted_tables()
    path = write_planted(folder, tables)
    config, models = load_config(path), folder / "models"
    trained = train(config, models=models)
    scored = score(config, models=models)
    return SimpleNamespace(path=path, config=config, tables=tables, models=models, trained=trained, scored=scored)
