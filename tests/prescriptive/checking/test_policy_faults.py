import numpy as np
import pytest
from checking import codes, met, under_check
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.prescriptive.checking.policy_faults import rule_findings

MAIL = {"name": "mail", "channel": "mail", "cost": 1, "effect": 0.05}
PLANS = {"plan": ["gold", "silver", "basic"]}


def found(*actions, **policy):
    return list(rule_findings(under_check(*actions, values=PLANS, **policy)))


def one(*actions, **policy):
    (finding,) = found(*actions, **policy)
    return finding


def rule(text, key="eligibility", **more):
    return {**MAIL, key: text, **more}


def test_a_policy_without_slips_has_no_findings():
    assert found(rule("renewal_risk > 0.5 AND plan = 'gold'"), {**MAIL, "name": "b", "cost": 2, "effect": 0.1}) == []


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("nps_class = 'detracter'", "unknown-value", "nobody's nps_class is 'detracter'; did you mean 'detractor'?"),
        ("nps_class <> 'x'", "unknown-value", "nobody's nps_class is 'x'; it is one of 'detractor', 'passive', 'pro"),
        ("nps_class IN ('passive', 'promotor')", "unknown-value", "'promotor'; did you mean 'promoter'?"),
        ("plan = 'glod'", "unknown-value", "nobody's plan is 'glod'; did you mean 'gold'?"),
        ("'glod' = plan", "unknown-value", "nobody's plan is 'glod'; did you mean 'gold'?"),
        ("plan = 'Gold'", "unknown-value", "nobody's plan is 'Gold'; did you mean 'gold'?"),
        (
            "plan = 'unlimited_5g'",
            "unseen-value",
            "nobody's plan is 'unlimited_5g' today; there are 'basic', 'gold', 's",
        ),
        ("plan LIKE 'GOLD%'", "unseen-value", "nobody's plan is LIKE 'GOLD%'"),
        ("nps_class LIKE 'prom_ter%x'", "unknown-value", "nobody's nps_class is LIKE"),
    ],
)
def test_a_value_that_nobody_has_is_found(text, code, says):
    finding = one(rule(text))
    assert (finding.code, finding.where) == (code, "policy.actions[0].eligibility")
    assert says in finding.says


@pytest.mark.parametrize("text", ["plan = 'gold'", "plan LIKE 'g%'", "region = 'north'", "nps_class <> 'passive'"])
def test_a_value_that_somebody_has_or_of_which_nothing_is_known_is_none(text):
    assert found(rule(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "renewal_risk > 1",
        "renewal_risk > 1.5",
        "health < 0",
        "p_promoter BETWEEN 2 AND 3",
        "health > 60 AND health < 50",
        "plan = 'gold' AND plan = 'silver'",
        "nps_class = 'promoter' AND nps_class IN ('detractor', 'passive')",
        "visits IS NULL AND visits > 3",
        "renewal_risk * 100 > 200",
    ],
)
def test_a_condition_that_can_never_be_true_is_found(text):
    finding = one(rule(text))
    assert (finding.code, finding.where) == ("never-fires", "policy.actions[0].eligibility")
    assert text in finding.says


@pytest.mark.parametrize(
    "text", ["renewal_risk >= 1", "health <= 0", "visits > 3 OR visits IS NULL", "health < 50 OR health > 60"]
)
def test_a_condition_that_may_be_true_is_none(text):
    assert found(rule(text)) == []


def test_conditions_of_an_action_and_its_group_that_exclude_each_other_are_found_with_both():
    groups = {"offers": {"eligibility": "health < 30", "issue": "retention"}}
    action = rule("health > 50", group="offers")
    finding = one(action, groups=groups)
    assert (finding.code, finding.where) == ("never-fires", "policy.actions[0]")
    assert "groups.offers.eligibility ('health < 30') and actions[0].eligibility ('health > 50')" in finding.says
    issues = {"retention": {"suitability": "plan = 'gold'"}}
    finding = one(rule("plan = 'basic'", "applicability", issue="retention"), issues=issues)
    assert "issues.retention.suitability" in finding.says
    assert found(rule("health > 20", group="offers"), groups=groups) == []


def test_an_action_that_its_own_suppression_always_stops_is_found():
    suppress = [{"action": "mail", "when": "renewal_risk > 0.4"}]
    finding = one(rule("renewal_risk > 0.5"), contact_policy={"suppress": suppress})
    assert (finding.code, finding.where) == ("always-stopped", "policy.actions[0]")
    assert "suppressed by 'while renewal_risk > 0.4'" in finding.says
    assert found(rule("renewal_risk > 0.3"), contact_policy={"suppress": suppress}) == []


def test_an_action_that_several_suppressions_stop_together_is_found():
    suppress = [{"when": "renewal_risk > 0.7"}, {"when": "renewal_risk <= 0.7"}]
    finding = one(rule("renewal_risk > 0.5"), contact_policy={"suppress": suppress})
    assert finding.code == "always-stopped"
    assert "one of these suppresses it: 'while renewal_risk > 0.7', 'while renewal_risk <= 0.7'" in finding.says
    # of whom nothing is known neither suppression is true
    assert found(rule("visits > 1"), contact_policy={"suppress": suppress}) == []


def test_a_rule_that_no_consent_can_meet_is_found():
    consent = {"mail": "plan = 'gold'"}
    assert one(rule("plan = 'basic'"), guard_rails={"consent": consent}).code == "always-stopped"
    assert found(rule("plan IN ('basic', 'gold')"), guard_rails={"consent": consent}) == []
    impossible = one(rule("visits > 1"), guard_rails={"consent": {"mail": "health > 100"}})
    assert (impossible.code, impossible.where) == ("never-fires", "policy.guard_rails.consent.mail")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("health >= 0", "is true of everybody of whom health is known: 'health >= 0'. Ask health IS NOT NULL"),
        ("renewal_risk < 2 OR visits > 3", "of whom renewal_risk, visits are known"),
        ("1 = 1", "is true of everybody"),
        ("visits IS NULL OR visits IS NOT NULL", "is true of everybody of whom visits is known"),
    ],
)
def test_a_condition_that_is_never_false_is_found(text, says):
    finding = one(rule(text))
    assert (finding.code, finding.severity) == ("always-true", "warning")
    assert says in finding.says


def test_what_never_applies_is_found():
    weights = [{"action": "mail", "weight": 2, "when": "health > 100"}]
    suppress = [{"when": "renewal_risk < 0"}]
    never = [{"when": "p_detractor > 1"}]
    findings = found(MAIL, weights=weights, contact_policy={"suppress": suppress}, guard_rails={"never": never})
    assert sorted(codes(findings)) == [
        ("never-applies", "policy.contact_policy.suppress[0].when"),
        ("never-applies", "policy.guard_rails.never[0].when"),
        ("never-applies", "policy.weights[0].when"),
    ]


def test_dates_that_are_over_are_found():
    finding = one({**MAIL, "valid_until": "2024-05-31"})  # checked as of 2024-06-01
    assert (finding.code, finding.where) == ("expired", "policy.actions[0].valid_until")
    assert "was valid until 2024-05-31" in finding.says
    assert found({**MAIL, "valid_until": "2024-06-01"}) == []
    assert found({**MAIL, "valid_from": "2024-07-01"}) == []


@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [
        ({"effect": 0}, "never-pays", "an effect of 0, and costs 1 or more"),
        ({"benefit": 0}, "never-pays", "a benefit of 0, and costs 1 or more"),
        ({"effect": 0, "cost": 0}, "never-pays", "an effect of 0, and costs nothing"),
        (
            {"benefit": 10, "effect": "0.1 * renewal_risk", "cost": 2},
            "never-pays",
            "benefit of at most 10 and an effect",
        ),
        ({"benefit": 10, "effect": -0.5, "cost": 0}, "never-pays", "never worth more than doing nothing"),
    ],
)
def test_an_action_that_can_never_pay_is_found(keys, code, says):
    finding = one({**MAIL, **keys})
    assert (finding.code, finding.where) == (code, "policy.actions[0]")
    assert says in finding.says


def test_an_action_that_breaks_even_at_best_never_pays_wherever_no_action_is_written():
    even = {**MAIL, "benefit": 10, "effect": "0.1 * renewal_risk", "cost": 1}  # worth 0 at a risk of 1
    assert [finding.code for finding in found(even)] == ["never-pays"]
    assert [finding.code for finding in found({"name": "no_action"}, even)] == ["never-pays"]


@pytest.mark.parametrize(
    ("effect", "odd"), [(5, True), ("20 * renewal_risk", True), (-3, True), (1, False), ("visits", False)]
)
def test_a_percentage_in_place_of_a_probability_is_found(effect, odd):
    told = [finding for finding in found({**MAIL, "effect": effect}) if finding.code == "odd-effect"]
    assert [finding.where for finding in told] == (["policy.actions[0].effect"] if odd else [])


def test_a_weight_may_make_an_action_pay():
    action = {**MAIL, "benefit": 10, "effect": 0.1, "cost": 2}
    assert found({**action, "lever": 3}) == []
    assert found(action, weights=[{"action": "mail", "weight": "visits"}]) == []
    assert one({**action, "lever": 1.5}).code == "never-pays"  # 10 x .1 x 1.5 < 2


def test_levers_and_weights_that_switch_off_are_found():
    action = {**MAIL, "group": "g", "lever": 0}
    policy = {
        "groups": {"g": {"lever": 0}},
        "weights": [{"weight": 0}, {"weight": -1}, {"weight": 0, "when": "visits > 3"}],
        "channel_preferences": {"mail": 0},
    }
    findings = [finding for finding in found(action, **policy) if finding.code != "never-pays"]
    assert sorted(codes(findings)) == [
        ("odd-weight", "policy.weights[1].weight"),
        ("switched-off", "policy.actions[0].lever"),
        ("switched-off", "policy.channel_preferences.mail"),
        ("switched-off", "policy.groups.g.lever"),
        ("switched-off", "policy.weights[0].weight"),
    ]


def test_a_past_outcome_that_the_actions_do_not_have_is_found():
    suppress = [{"action": "mail", "after": {"action": "mail", "outcome": "refusd"}, "days": 30}]
    checked = under_check(MAIL, values={"outcome": ["refused", "accepted"]}, contact_policy={"suppress": suppress})
    (finding,) = rule_findings(checked)
    assert (finding.code, finding.where) == ("unknown-value", "policy.contact_policy.suppress[0].after.outcome")
    assert "did you mean 'refused'?" in finding.says


def test_the_conditions_of_treatments_are_found_where_they_stand():
    treatments = [{"channel": "mail"}, {"channel": "phone", "eligibility": "health > 100"}]
    finding = one({"name": "offer", "effect": 0.1, "treatments": treatments})
    assert (finding.code, finding.where) == ("never-fires", "policy.actions[0].treatments.phone.eligibility")


CONDITIONS = st.sampled_from(
    [None, "renewal_risk > 0.6", "renewal_risk <= 0.6", "renewal_risk > 1", "renewal_risk >= 0", "health < 30",
     "health > 30 OR plan = 'gold'", "health BETWEEN 40 AND 20", "plan = 'gold'", "plan <> 'gold'", "plan IS NULL",
     "NOT (plan = 'gold' OR visits > 3)", "visits > 3", "visits IS NULL OR visits > 3", "nps_class <> 'promoter'",
     "nps_class IN ('promoter', 'passive')", "renewal_risk * 2 > 1.2 AND renewal_risk < 0.7"]
)  # fmt: skip
AMOUNTS = st.sampled_from([0, 1, 3, "renewal_risk", "0.1 * visits", "visits"])
EFFECTS = st.sampled_from([0, 0.1, -0.1, "0.2 * renewal_risk", "renewal_risk - 1", "0.1 * visits"])
BENEFITS = st.sampled_from([0, 5, 10, "value", "10 * renewal_risk"])
ACTION = st.fixed_dictionaries(
    {"eligibility": CONDITIONS, "suitability": CONDITIONS, "cost": AMOUNTS, "effect": EFFECTS, "benefit": BENEFITS},
    optional={"lever": st.sampled_from([0, 2]), "channel": st.just("mail")},
)
SUPPRESSED = st.lists(CONDITIONS.filter(bool), max_size=2)


@settings(max_examples=150, deadline=None)
@given(action=ACTION, when=SUPPRESSED, first=st.booleans(), weight=AMOUNTS, seed=st.integers(0, 2**16))
def test_what_is_called_dead_is_chosen_for_nobody(action, when, first, weight, seed):
    """Hold what is found against customers at random, at and around every constant that the rules name."""
    named = [{**action, "name": "a"}]
    named.insert(0 if first else 1, {"name": "no_action"})
    suppress = {"contact_policy": {"suppress": [{"when": text} for text in when]}}
    checked = under_check(*named, **suppress, weights=[{"weight": weight, "when": "plan = 'gold'"}])
    findings = list(rule_findings(checked))
    rng = np.random.default_rng(seed)
    n = 500
    here = met(
        checked,
        renewal_risk=np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 11, n) / 10).tolist(),
        health=np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 11, n) * 10).tolist(),
        visits=np.where(rng.random(n) < 0.2, np.nan, rng.integers(-2, 8, n)).tolist(),
        value=np.where(rng.random(n) < 0.1, np.nan, rng.integers(-50, 100, n)).tolist(),
        plan=rng.choice(np.array(["gold", "basic", None], dtype=object), n).tolist(),
        nps_class=rng.choice(np.array(["detractor", "passive", "promoter", None], dtype=object), n).tolist(),
    )
    place = checked.policy.labels.index("a")
    told = {finding.code for finding in findings}
    if told & {"never-fires", "always-stopped"}:
        assert not here.fired[:, place].any()
    if "never-pays" in told:
        assert not (here.best == place).any()
        assert (here.look.priority[here.fired[:, place], place] <= 0).all()
    for written in checked.written:
        here_told = {finding.code for finding in findings if finding.where == written.where}
        true, false, _ = here.counts(written.tree)
        assert not (here_told & {"never-fires", "never-applies"} and true)
        assert not ("always-true" in here_told and false)
