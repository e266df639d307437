"""The commands about what a policy is worth: they print, write what they say, and fail with one line."""

import re
import shutil

import pytest
from click.testing import CliRunner

from cxml.cli import main
from cxml.sinks.ledger import open_ledger


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def models(planted, tmp_path):
    """Return a copy of the models folder, with an empty ledger."""
    shutil.copytree(planted.models, tmp_path / "models")
    shutil.rmtree(tmp_path / "models" / "planted" / "ledger")
    return tmp_path / "models"


@pytest.fixture
def new_policy(tmp_path):
    """Return the file of another policy: call those at risk, whatever was measured."""
    path = tmp_path / "new.yaml"
    path.write_text(
        "actions: [{name: call, channel: phone, cost: 5, effect: 0.3, eligibility: segment = 'at_risk'}]\n"
        "effects: {use: assumed}\nholdout_share: 0\n",
        encoding="utf-8",
    )
    return path


def test_evaluate_prints_the_value_of_a_new_policy_against_the_current_one(planted, new_policy, tmp_path):
    current, picture = planted.path.parent / "policy.yaml", tmp_path / "values.svg"
    found = run("policy", "evaluate", planted.path, "--policy", new_policy, "--against", current, "--picture", picture)
    assert found.exit_code == 0, found.output
    for line in ("Renewal: share of decisions", "the policy ", "the other policy ", "no action ", "as logged "):
        assert line in found.output
    assert found.output.endswith(f"written: {picture}\n")
    assert picture.exists()
    assert "estimate what each is worth" in found.stderr


def test_simulate_prints_funnel_mix_and_curve(planted, models, new_policy, tmp_path):
    picture = tmp_path / "curve.svg"
    options = ["--models", models, "--policy", new_policy, "--budgets", "0, 50,100", "--picture", picture]
    found = run("policy", "simulate", planted.path, *options)
    assert found.exit_code == 0, found.output
    assert "customers left" in found.output
    assert "Who gets what, by segment" in found.output
    budgets = [re.split(r"\s{2,}", line.strip())[0] for line in found.output.splitlines()]
    assert [text for text in budgets if text in ("0", "50", "100")] == ["0", "50", "100"]
    assert f"written: {picture}\n" in found.output
    assert not (models / "planted" / "ledger").exists()


def test_simulate_tells_of_any_group_and_moment(planted, models):
    found = run("policy", "simulate", planted.path, "--models", models, "--by", "age", "--as-of", "2023-09-01")
    assert found.exit_code == 0, found.output
    assert "as of 2023-09-01" in found.output
    assert "Who gets what, by age" in found.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--budgets", "10,lots"], "budgets"),
        (["--budgets", "10,,20"], "budgets"),
        (["--budgets", "-5"], "budgets"),
        (["--budgets", "nan"], "budgets"),
        (["--budgets", "inf"], "budgets"),
        (["--by", "segmnt"], "by: there is no feature 'segmnt'"),
        (["--as-of", "soon"], "--as-of: must be a time"),
        (["--policy", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["--picture", "curve.xls"], "curve.xls"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(planted, models, options, says):
    found = run("policy", "simulate", planted.path, "--models", models, *options)
    assert found.exit_code == 1, found.output
    last = found.stderr.splitlines()[-1]
    assert last.startswith("cxml: ")
    assert says in last
    assert "Traceback" not in found.output


def test_measure_prints_what_was_brought_with_intervals(planted, models, tmp_path):
    picture = tmp_path / "monitoring.svg"
    found = run("policy", "measure", planted.path, "--models", models, "--picture", picture)
    assert found.exit_code == 0, found.output
    assert "Renewal: share that stays" in found.output
    assert "looked at daily" in found.output
    assert f"written: {picture}\n" in found.output
    assert "note: the ledger is empty: decisions are those of the table `actions`.\n" in found.output


def test_learn_prints_effects_and_saves_the_bundle(planted, models):
    found = run("policy", "learn", planted.path, "--models", models)
    assert found.exit_code == 0, found.output
    assert "The ledger holds no decision yet" in found.output
    assert "Renewal (points of the probability to stay)" in found.output
    assert found.output.endswith(f"bundle saved, model {planted.trained.model_version}\n")
    refused = run("policy", "learn", planted.path, "--models", models, "--by", "segmnt")
    assert refused.exit_code == 1
    assert "by: there is no feature 'segmnt'" in refused.stderr


def test_outcomes_are_recorded_and_told(planted, models):
    empty = run("outcomes", planted.path, "--models", models)
    assert (empty.exit_code, empty.output) == (0, "The ledger holds no decision yet. `cxml score` records them.\n")
    out = models / "out.csv"
    scored = run("score", planted.path, "--models", models, "--as-of", "2023-06-15", "--to", out)
    assert scored.exit_code == 0, scored.output
    first, again = (run("outcomes", planted.path, "--models", models) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0)
    n_known = len(open_ledger(str(models / "planted" / "ledger")).outcomes())
    assert n_known > 100
    assert f"; {n_known:,} outcomes recorded that were not there." in first.output
    assert f"    renewal: known of {n_known:,}, not known (yet) of " in first.output
    assert "; 0 outcomes recorded that were not there." in again.output


def test_the_commands_of_a_policy_are_listed():
    listed = run("policy", "--help").output
    for command in ("check", "evaluate", "learn", "measure", "simulate"):
        assert f"  {command} " in listed
