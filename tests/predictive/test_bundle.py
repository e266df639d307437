import json
import shutil

import pytest

from cxml.errors import BundleError
from cxml.predictive.bundle import Bundle, Model, ValueModel, read_bundle, save_bundle
from cxml.predictive.customer_value import CustomerValue
from cxml.predictive.encoding import Encoding
from cxml.predictive.health import HealthWeights


@pytest.fixture
def bundle(renewal_model):
    return Bundle(
        company="acme",
        currency="EUR",
        encoding=renewal_model.encoding_,
        features=({"kind": "attribute", "name": "calls", "column": "calls"},),
        profiles={"calls": (0.0, 1.0)},
        models={"renewal": Model(renewal_model.heads_, ["is null", ["column", "calls"]])},
        health=HealthWeights(0.6, 0.4),
        value=["number", 12.0],
        policy={"actions": []},
        evaluation={"renewal": {"how": "by hand"}},
    )


@pytest.fixture
def saved(bundle, tmp_path):
    save_bundle(bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_what_is_read_is_what_was_saved(bundle, saved):
    found = read_bundle(saved)
    assert found.model_version
    assert vars(found) | {"model_version": ""} == vars(bundle)


def test_the_same_bundle_gives_the_same_bytes(bundle, saved, tmp_path):
    save_bundle(bundle, tmp_path / "again")
    for file in saved.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_every_file_is_text_and_nothing_executes(saved):
    assert {file.name for file in saved.iterdir()} == {
        "manifest.json", "features.json", "model.json", "policy.json", "evaluation.json", "renewal.trees_1.txt",
    }  # fmt: skip
    for file in saved.iterdir():
        file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["manifest.json", "features.json", "model.json", "policy.json", "evaluation.json", "renewal.trees_1.txt"]
)
@pytest.mark.parametrize("where", [0, 0.3, 0.7, 1])
def test_one_altered_byte_is_refused_with_the_name_of_the_file(saved, name, where):
    data = bytearray((saved / name).read_bytes())
    data[int(where * (len(data) - 1))] ^= 1
    (saved / name).write_bytes(bytes(data))
    with pytest.raises(BundleError, match=rf"{name}: (was altered|is of format version)"):
        read_bundle(saved)


@pytest.mark.parametrize("name", ["manifest.json", "features.json", "model.json", "renewal.trees_1.txt"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: is missing; the bundle is incomplete"):
        read_bundle(saved)


def test_another_format_version_is_refused(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(BundleError, match=r"manifest.json: is of format version 99; this cxml reads 4"):
        read_bundle(saved)


def test_no_bundle_says_what_to_do(tmp_path):
    with pytest.raises(BundleError, match=r"there is no bundle\. Run `cxml train` first"):
        read_bundle(tmp_path / "nothing")


def test_a_manifest_that_points_outside_is_refused(bundle, saved, tmp_path):
    from cxml.predictive import bundle as module

    manifest = json.loads((saved / "manifest.json").read_text())
    manifest.pop("manifest_sha256")
    manifest["files"]["../secret.txt"] = "0"
    whole = {**manifest, "manifest_sha256": module._digest(module._encoded(manifest))}
    (saved / "manifest.json").write_bytes(module._encoded(whole))
    with pytest.raises(BundleError, match=r"names a file outside the bundle, '\.\./secret.txt'"):
        read_bundle(saved)


def test_the_model_version_changes_with_the_model_and_not_with_the_policy(bundle, tmp_path):
    def version(**changes):
        return save_bundle(Bundle(**{**vars(bundle), **changes}), tmp_path / "other")

    first = version()
    assert version(policy=None, evaluation={}) == first
    assert version(value=["number", 13.0]) != first


def test_a_new_bundle_replaces_the_old_one_whole(bundle, saved):
    save_bundle(Bundle(**{**vars(bundle), "company": "other"}), saved)
    assert read_bundle(saved).company == "other"
    assert [entry.name for entry in saved.parent.iterdir()] == ["bundle"]


def test_a_folder_that_is_no_bundle_is_not_overwritten(bundle, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(BundleError, match="is not a bundle and will not be overwritten"):
        save_bundle(bundle, tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.jpg").exists()


def test_nothing_half_written_is_left_where_it_cannot_be_written(bundle, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match=r"bundle: cannot be written, for .*file is a file\. Name a folder"):
        save_bundle(bundle, tmp_path / "file" / "acme" / "bundle")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_old_bundle_survives_a_failure(bundle, saved, monkeypatch):
    from pathlib import Path

    def full(self, data):
        raise OSError(28, "No space left on device")

    before = {file.name: file.read_bytes() for file in saved.iterdir()}
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BundleError, match="cannot be written \\(No space left on device\\)"):
        save_bundle(Bundle(**{**vars(bundle), "company": "other"}), saved)
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert [entry.name for entry in saved.parent.iterdir()] == ["bundle"]


def test_a_copied_bundle_is_the_same_bundle(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "copy")
    assert vars(read_bundle(tmp_path / "copy")) == vars(read_bundle(saved))


def test_names_in_any_script_survive(tmp_path, bundle):
    named = Encoding(("plan",), {"plan": ("básico", "金", 'with "quotes"')})
    save_bundle(Bundle(**{**vars(bundle), "encoding": named, "models": {}}), tmp_path / "b")
    assert read_bundle(tmp_path / "b").encoding == named


@pytest.fixture
def valued(bundle, renewal_model):
    """Return the bundle with a value model; any forest does, for nothing is scored here."""
    (forest,) = [text for name, text in renewal_model.heads_.forests.items() if name == "trees_1"]
    model = ValueModel(CustomerValue({"trees": forest}, {}, {"trees": 2.5}, 1.0, 0.0), None, {"horizon_days": 90})
    return Bundle(**{**vars(bundle), "value": None, "value_model": model})


def test_a_value_model_is_read_as_it_was_saved(valued, tmp_path):
    save_bundle(valued, tmp_path / "b")
    assert vars(read_bundle(tmp_path / "b")) | {"model_version": ""} == vars(valued)
    assert (tmp_path / "b" / "value.trees.txt").is_file()


def test_the_model_version_changes_with_the_value_model(valued, bundle, tmp_path):
    versions = {save_bundle(one, tmp_path / "b") for one in (valued, Bundle(**{**vars(valued), "value_model": None}))}
    assert len(versions) == 2


@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_an_altered_forest_of_value_is_refused(valued, tmp_path, where):
    save_bundle(valued, tmp_path / "b")
    data = bytearray((tmp_path / "b" / "value.trees.txt").read_bytes())
    data[int(where * (len(data) - 1))] ^= 1
    (tmp_path / "b" / "value.trees.txt").write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"value\.trees\.txt: was altered"):
        read_bundle(tmp_path / "b")
