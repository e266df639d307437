import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cxml.cli import main
from cxml.config.load import example_config


def run(*arguments: str):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def sample_files(sample, tmp_path, monkeypatch):
    """Write the sample company's tables to files that configs/sample.yaml finds."""
    for name, frame in sample.simulation.tables.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setenv("CXML_SAMPLE", str(tmp_path))
    return tmp_path


def test_check_tells_what_was_found_in_each_table(sample_files):
    found = run("check", example_config("sample.yaml"))
    assert found.exit_code == 0
    assert found.output.splitlines()[0].split() == ["table", "rows", "customers", "from", "to", "unknown", "values"]
    assert "customers         1,200      1,200" in found.output
    assert "age " in found.output  # unknown values are counted by column
    assert "as_of 2024-07-01 00:00 UTC" in found.output
    assert found.output.endswith("no faults\n")


def test_check_lists_every_fault_of_every_table_and_fails(sample_files):
    customers = pd.read_parquet(sample_files / "customers.parquet")
    pd.concat([customers, customers.head(1)]).to_parquet(sample_files / "customers.parquet")
    surveys = pd.read_parquet(sample_files / "surveys.parquet")
    surveys.assign(score=87.0).to_parquet(sample_files / "surveys.parquet")
    found = run("check", example_config("sample.yaml"))
    assert found.exit_code == 1
    assert "fault: customers.customer_id: must be unique; 1 of 1,201 rows is not" in found.output
    assert "fault: surveys.score: must be 0-10 for instrument 'nps'" in found.output


def test_check_tries_labels_and_policy_on_whole_tables(sample_files, tmp_path):
    text = example_config("sample.yaml").read_text()
    text = text.replace("policy: policy.yaml", "policy: {actions: [{name: gift, cost: colour}]}")
    text = text.replace("value: 12 * contract_price", "value: 12 * nope").replace("nps: {}", "nps: {column: mood}")
    (tmp_path / "company.yaml").write_text(text)
    found = run("check", tmp_path / "company.yaml")
    assert found.exit_code == 1
    assert "customers         1,200      1,200" in found.output
    assert "fault: policy.actions[0].cost: there is no column 'colour'." in found.output
    assert "fault: value: there is no column 'nope'." in found.output
    assert "fault: labels.nps.column: customers has no column 'mood'" in found.output


def test_evaluate_prints_every_figure_and_writes_frames_and_picture(tmp_path):
    rng = np.random.default_rng(0)
    usage = rng.normal(size=400)
    left = np.where(rng.random(400) < 1 / (1 + np.exp(2 * usage)), "yes", "no")
    table = {"customer_id": range(400), "usage": usage, "plan": rng.choice(["a", "b"], 400), "left": left}
    pd.DataFrame(table).to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "company.yaml").write_text(
        "{company: acme, as_of: 2024-01-01, tables: {customers: {path: customers.csv}}, models: {max_trees: 20},"
        " labels: {renewal: {column: left, lost: 'yes'}}}"
    )
    options = ["--by", "plan", "--repeats", "1", "--format", "csv"]
    to, picture = tmp_path / "out", tmp_path / "curves.svg"
    found = run("evaluate", tmp_path / "company.yaml", *options, "--to", to, "--picture", picture)
    assert found.exit_code == 0
    assert "judged on 400 held-out customers, 1 x stratified 5-fold" in found.output
    assert "plan a" in found.output
    assert f"written: {to / 'measures.csv'}" in found.output
    assert f"written: {picture}" in found.output
    refused = run("evaluate", tmp_path / "company.yaml", "--by", "plna")
    assert refused.exit_code == 1
    assert "did you mean 'plan'?" in refused.output


def test_schema_is_json_schema_of_the_config():
    schema = json.loads(run("schema").output)
    assert schema["title"] == "CompanyConfig"
    assert {"company", "tables", "labels", "features", "policy"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_features_are_listed_and_their_sql_runs_as_it_is(sample_files, sample):
    import duckdb

    listed = run("features", example_config("sample.yaml")).output
    assert "unsolved_contacts_90d" in listed
    sql = run("features", example_config("sample.yaml"), "--sql").output
    with duckdb.connect() as con:  # the tables as cxml keeps them: times in UTC, surveys also as they were sent
        for name in sample.simulation.tables:
            path = (sample_files / f"{name}.parquet").as_posix()
            con.execute(f"CREATE TABLE {name} AS SELECT * REPLACE ({zoneless(con, path)}) FROM '{path}'")
        con.execute("ALTER TABLE surveys ADD COLUMN sentiment DOUBLE")
        con.execute("CREATE TABLE invitations AS SELECT customer_id, sent_time, instrument, touchpoint FROM surveys")
        con.execute("CREATE TABLE spine AS SELECT customer_id, TIMESTAMP '2024-07-01' AS as_of FROM customers")
        assert len(con.execute(sql).fetchall()) == 1_200


def zoneless(con, path: str) -> str:
    zoned = [n for n, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall() if "ZONE" in kind]
    return (
        ", ".join(f"timezone('UTC', {name}) AS {name}" for name in zoned or ["NULL"])
        if zoned
        else "customer_id AS customer_id"
    )


def test_indicators_are_printed_by_group_compared_and_as_kpis(sample_files, tmp_path):
    config = example_config("sample.yaml")
    grouped = run("indicators", config, "--by", "segment, month", "--period", "2024-01:2024-02").output
    assert "NPS (points)" in grouped
    assert "segment  business" in grouped
    assert grouped.count("2024-02  ") > 10  # a row for each figure and segment
    compared = run("indicators", config, "--compare", "2023-07:2023-10", "2023-12:2024-03").output
    assert "2023-07:2023-10" in compared.splitlines()[2]
    assert "*" in compared
    kpis = run("indicators", config, "--kpi", "--period", "2024-05:", "--to", tmp_path / "kpi.csv")
    assert "Renewed" in kpis.output
    assert f"written: {tmp_path / 'kpi.csv'}" in kpis.output
    assert set(pd.read_csv(tmp_path / "kpi.csv")["period"]) == {"2024-05", "2024-06"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--by", "segmnt"], "did you mean 'segment'?"),
        (["--kpi", "--by", "segment"], "--kpi goes with --period alone"),
        (["--compare", "2024-01", "2024-02", "--period", "2024"], "--compare with --by alone"),
        (["--period", "spring"], "period: must be a year, a month"),
        (["--to", "kpi.xlsx"], "must end in .parquet or .csv"),
    ],
)
def test_indicators_that_cannot_be_are_one_message(sample_files, options, message):
    found = run("indicators", example_config("sample.yaml"), *options)
    assert found.exit_code == 1
    assert message in found.output
    assert "Traceback" not in found.output


def test_maturity_prints_the_matrix_where_each_feature_stands_and_draws_it(sample_files, tmp_path):
    picture = tmp_path / "matrix.svg"
    found = run("maturity", example_config("sample.yaml"), "--no-skill", "--features", "--picture", picture)
    assert found.exit_code == 0, found.output
    assert "sample: maturity of the data as of 2024-07-01" in found.output
    assert "\ncompetitors   3 features, 100%" in found.output
    assert "  env_competitor_price_index " in found.output
    assert "word: competitor, price" in found.output
    assert found.output.endswith(f"written: {picture}\n")
    assert picture.read_text().startswith("<?xml")
    assert "build features" in found.stderr


def test_train_and_score_print_figures_with_intervals_and_where_things_are(sample_files, tmp_path):
    models = tmp_path / "models"
    trained = run("train", example_config("sample.yaml"), "--models", models)
    assert trained.exit_code == 0, trained.output
    assert "renewal: " in trained.output
    assert "auc 0." in trained.output
    assert "MLflow: run " in trained.output
    for step in (
        "check tables",
        "build features",
        "train and evaluate the nps model",
        "save the bundle",
        "log the run",
    ):
        assert step in trained.stderr
    scored = run(
        "score",
        example_config("sample.yaml"),
        "--models",
        models,
        "--as-of",
        "2024-06-01",
        "--to",
        tmp_path / "out.csv",
    )
    assert scored.exit_code == 0, scored.output
    assert "sample: " in scored.output
    assert "as of 2024-06-01" in scored.output
    assert (tmp_path / "out.csv").exists()


def test_customer_tells_the_story_of_one(sample_files, sample):
    found = run(
        "customer", example_config("sample.yaml"), "c000000", "--models", sample.models, "--as-of", "2024-06-01"
    )
    assert found.exit_code == 0, found.output
    assert found.output.startswith("sample: customer c000000 as of 2024-06-01, model ")
    assert "\nHealth " in found.output
    strange = run("customer", example_config("sample.yaml"), "c00000", "--models", sample.models)
    assert strange.exit_code == 1
    assert "nobody there has this id; did you mean 'c000000' or" in strange.stderr


def test_an_error_is_one_message_not_a_traceback(tmp_path):
    found = run("train", tmp_path / "nothing.yaml")
    assert found.exit_code == 1
    assert (
        found.stderr == f"cxml: {tmp_path / 'nothing.yaml'}: there is no such file. Give the path of a company.yaml.\n"
    )


def test_a_moment_that_is_none_is_refused(sample):
    found = run("score", example_config("sample.yaml"), "--models", sample.models, "--as-of", "soon")
    assert found.exit_code == 1
    assert "--as-of: must be a time (ISO 8601); it is 'soon'" in found.stderr


def test_it_runs_as_a_module():
    output = subprocess.run([sys.executable, "-m", "cxml", "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("check", "customer", "demo", "features", "indicators", "maturity", "schema", "score", "train"):
        assert f"  {command} " in output


def test_the_configs_that_are_shipped_are_there():
    for name in ("sample.yaml", "telco.yaml", "policy.yaml"):
        assert Path(example_config(name)).is_file()


@pytest.mark.parametrize("name", ["sample.yaml", "telco.yaml"])
def test_the_schema_accepts_the_configs_that_are_shipped(name):
    import jsonschema
    import yaml

    as_written = json.loads(json.dumps(yaml.safe_load(example_config(name).read_text()), default=str))  # times as text
    jsonschema.validate(as_written, json.loads(run("schema").output))


def test_policy_check_lists_findings_and_fails_on_faults(sample_files, tmp_path):
    text = example_config("sample.yaml").read_text()
    assert "policy: policy.yaml" in text
    sound = "policy: {actions: [{name: gift, channel: mail, cost: 1, effect: 0.1, eligibility: health < 50}]}"
    (tmp_path / "company.yaml").write_text(text.replace("policy: policy.yaml", sound))
    found = run("policy", "check", tmp_path / "company.yaml", "--models", tmp_path / "models")
    assert found.exit_code == 0
    assert found.output.endswith("no faults\n")
    assert "there is no bundle in" in found.output
    (tmp_path / "company.yaml").write_text(text.replace("policy: policy.yaml", sound.replace("< 50", "> 100")))
    found = run("policy", "check", tmp_path / "company.yaml", "--models", tmp_path / "models")
    assert found.exit_code == 1
    assert "fault: policy.actions[0].eligibility: can never be true: 'health > 100'" in found.output
    assert found.output.endswith("faults: 1\n")


def test_policy_check_of_a_file_that_cannot_be_read_is_one_message(tmp_path):
    (tmp_path / "company.yaml").write_text("company: acme\npolicy: nowhere.yaml\n")
    found = run("policy", "check", tmp_path / "company.yaml")
    assert found.exit_code == 1
    assert found.stderr.startswith("cxml: ")
    assert "nowhere.yaml: there is no such file. Give the path of a policy.yaml." in found.stderr
