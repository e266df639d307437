import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from cxml.predictive.evaluation import Evaluation
from cxml.predictive.measures import Measure
from cxml.predictive.tracking import tracked_run

EVALUATION = Evaluation("on the future", 100, 50, (Measure("auc", 0.8, 0.75, 0.85),))


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "acme" / "bundle").mkdir(parents=True)
    (tmp_path / "acme" / "bundle" / "model.json").write_text("{}")
    return tmp_path / "acme" / "bundle"


def log(bundle, models):
    return tracked_run(
        "acme", bundle, models=models, parameters={"num_leaves": 4}, evaluations={"renewal": EVALUATION},
        tags={"model_version": "abc", "data_fingerprint": "f00"}, config={"company": "acme"},
    )  # fmt: skip


def check_logged(run, tmp_path):
    from mlflow import MlflowClient

    assert run.problem is None
    client = MlflowClient(tracking_uri=run.tracking_uri)
    found = client.get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"num_leaves": "4"}
    assert found.data.metrics == {"renewal_auc": 0.8, "renewal_auc_low": 0.75, "renewal_auc_high": 0.85}
    assert {name: found.data.tags[name] for name in ("model_version", "data_fingerprint")} == {
        "model_version": "abc", "data_fingerprint": "f00",
    }  # fmt: skip
    assert {file.path for file in client.list_artifacts(run.run_id)} == {"bundle", "config.json"}
    assert [file.path for file in client.list_artifacts(run.run_id, "bundle")] == ["bundle/model.json"]


def test_a_run_is_kept_in_a_sqlite_store_in_the_models_folder(bundle, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = log(bundle, tmp_path)
    assert run.tracking_uri == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
    check_logged(run, tmp_path)
    again = log(bundle, tmp_path)
    assert again.run_id != run.run_id


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def server(tmp_path):
    port = free_port()
    store, served = f"sqlite:///{tmp_path}/server.db", str(tmp_path / "served")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", served]
    with (tmp_path / "server.log").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=tmp_path)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_run_is_logged_to_the_server_that_the_environment_names(bundle, tmp_path, monkeypatch, server):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run = log(bundle, tmp_path)
    assert run.tracking_uri == server
    check_logged(run, tmp_path)


def test_a_server_that_is_away_is_reported_and_raises_nothing(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    run = log(bundle, tmp_path)
    assert run.run_id is None
    assert "127.0.0.1" in run.problem


def test_a_store_that_cannot_be_opened_is_reported_and_raises_nothing(bundle, tmp_path, monkeypatch):
    (tmp_path / "a_file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/a_file/mlflow.db")
    run = log(bundle, tmp_path)
    assert run.run_id is None
    assert run.problem


def test_a_server_that_accepts_and_says_nothing_is_away(bundle, tmp_path, monkeypatch):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:s3cret@127.0.0.1:{port}")
        run = log(bundle, tmp_path)
    assert run.run_id is None
    assert "s3cret" not in f"{run}"
