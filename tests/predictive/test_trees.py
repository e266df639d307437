from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest

from cxml.errors import BundleError
from cxml.predictive import contributions as contributions_module
from cxml.predictive import trees as trees_module
from cxml.predictive.trees import Trees


def matrix_of(model, X):
    return model.encoding_.matrix(model.encoding_.typed({name: X[name] for name in X}))[0]


@pytest.fixture(params=["renewal", "nps"])
def trained(request):
    model = request.getfixturevalue(f"{request.param}_model")
    return model.heads_.forests["trees_1"].decode(), matrix_of(
        model, request.getfixturevalue(f"{request.param}_data")[0]
    )


def test_raw_scores_have_the_bits_of_the_lightgbm_package(trained):
    text, matrix = trained
    expected = lightgbm.Booster(model_str=text).predict(matrix, raw_score=True)
    assert np.array_equal(Trees(text.encode()).raw_scores(matrix), np.asarray(expected).reshape(len(matrix), -1))


def test_one_row_has_the_bits_of_many(trained):
    text, matrix = trained
    trees = Trees(text.encode())
    assert np.array_equal(
        np.vstack([trees.raw_scores(row[None]) for row in matrix[:50]]), trees.raw_scores(matrix)[:50]
    )


def test_contributions_add_up_to_the_raw_score(trained):
    text, matrix = trained
    trees = Trees(text.encode())
    np.testing.assert_allclose(trees.contributions(matrix).sum(axis=2), trees.raw_scores(matrix), atol=1e-9)


def test_contributions_are_those_of_the_lightgbm_package(trained):
    text, matrix = trained
    expected = np.asarray(lightgbm.Booster(model_str=text).predict(matrix, pred_contrib=True))
    found = Trees(text.encode()).contributions(matrix).reshape(len(matrix), -1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_contributions_of_one_row_have_the_bits_of_many(trained):
    text, matrix = trained
    trees = Trees(text.encode())
    rows = [trees.contributions(row[None]) for row in matrix[:20]]
    assert np.array_equal(np.concatenate(rows), trees.contributions(matrix)[:20])


def test_lightgbm_explains_what_the_tables_do_not(trained, monkeypatch):
    text, matrix = trained
    expected = np.asarray(lightgbm.Booster(model_str=text).predict(matrix, pred_contrib=True))
    monkeypatch.setattr(contributions_module, "MAX_TABLE_BYTES", 0)
    for library in (trees_module._library, lambda: None):
        monkeypatch.setattr(trees_module, "_library", library)
        assert np.array_equal(Trees(text.encode()).contributions(matrix).reshape(len(matrix), -1), expected)


def test_linear_trees_have_no_contributions():
    X = np.random.default_rng(0).normal(size=(500, 2))
    params = {"linear_tree": True, "verbose": -1, "num_threads": 1}
    model = lightgbm.train(params, lightgbm.Dataset(X, X[:, 0] * X[:, 1]), 2)
    with pytest.raises(BundleError, match="linear trees"):
        Trees(model.model_to_string().encode()).contributions(X)


def test_without_the_library_file_the_package_gives_the_same_bits(trained, monkeypatch):
    text, matrix = trained
    expected = Trees(text.encode()).raw_scores(matrix), Trees(text.encode()).contributions(matrix)
    monkeypatch.setattr(trees_module, "_library", lambda: None)
    fallback = Trees(text.encode())
    assert np.array_equal(fallback.raw_scores(matrix), expected[0])
    assert np.array_equal(fallback.contributions(matrix), expected[1])


@pytest.mark.parametrize(
    ("folder", "name"), [("lib", "lib_lightgbm.so"), ("lib", "lib_lightgbm.dylib"), ("bin", "lib_lightgbm.dll")]
)
def test_the_library_is_found_where_each_system_keeps_it(tmp_path, monkeypatch, folder, name):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / name).touch()
    opened = []
    monkeypatch.setattr(
        trees_module.ctypes, "CDLL", lambda path: opened.append(path) or trees_module.ctypes.PyDLL(None)
    )

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(trees_module.importlib.util, "find_spec", lambda _: Spec)
    with pytest.raises(AttributeError, match="LGBM_GetLastError"):  # the file that stands in has none of its functions
        trees_module._library.__wrapped__()
    assert opened == [str(tmp_path / folder / name)]


def test_no_row_gives_no_score(trained):
    text, matrix = trained
    assert len(Trees(text.encode()).raw_scores(matrix[:0])) == 0


def test_a_matrix_of_another_width_is_refused(trained):
    text, matrix = trained
    with pytest.raises(ValueError, match="has 4 features, the matrix 3"):
        Trees(text.encode()).raw_scores(matrix[:, :3])


def test_threads_share_one_model(trained):
    text, matrix = trained
    trees = Trees(text.encode())
    expected = trees.raw_scores(matrix)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: trees.raw_scores(matrix[i : i + 1]), range(400)))
    assert np.array_equal(np.vstack(found), expected[:400])
