"""Where the layers meet for a whole company: check, report, evaluate, train, score, one customer's story, a demo."""

from cxml.pipeline.checking import check, feature_query
from cxml.pipeline.customer import customer
from cxml.pipeline.evaluating import Evaluated, evaluate
from cxml.pipeline.figures import Measured, compare, indicators, kpi
from cxml.pipeline.ledger import record_outcomes
from cxml.pipeline.matrix import Maturity, maturity
from cxml.pipeline.nps import population_nps
from cxml.pipeline.outcomes import Matured, mature_outcomes
from cxml.pipeline.policy_checking import PolicyChecked, check_policy
from cxml.pipeline.policy_learning import PolicyLearnt, learn_policy
from cxml.pipeline.policy_measuring import PolicyMeasured, measure_policy
from cxml.pipeline.policy_simulation import PolicySimulated, simulate_policy
from cxml.pipeline.policy_value import PolicyValued, evaluate_policy
from cxml.pipeline.sample import demo
from cxml.pipeline.scoring import Scored, score
from cxml.pipeline.trained import histories
from cxml.pipeline.training import Trained, train

__all__ = [
    "Evaluated",
    "Matured",
    "Maturity",
    "Measured",
    "PolicyChecked",
    "PolicyLearnt",
    "PolicyMeasured",
    "PolicySimulated",
    "PolicyValued",
    "Scored",
    "Trained",
    "check",
    "check_policy",
    "compare",
    "customer",
    "demo",
    "evaluate",
    "evaluate_policy",
    "feature_query",
    "histories",
    "indicators",
    "kpi",
    "learn_policy",
    "mature_outcomes",
    "maturity",
    "measure_policy",
    "population_nps",
    "record_outcomes",
    "score",
    "simulate_policy",
    "train",
]
