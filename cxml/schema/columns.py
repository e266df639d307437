"""Every column name that cxml itself reads or writes; no other file invents one."""

from __future__ import annotations

from typing import Final

CUSTOMER_ID: Final = "customer_id"
AS_OF: Final = "as_of"
KNOWN_TIME: Final = "known_time"
KEY: Final = (CUSTOMER_ID, AS_OF)
CONFIDENCE: Final = "confidence"

# customers
SINCE: Final = "since"
SEGMENT: Final = "segment"
REGION: Final = "region"
# events
EVENT_TIME: Final = "event_time"
EVENT_TYPE: Final = "event_type"
CHANNEL: Final = "channel"
# surveys
SENT_TIME: Final = "sent_time"
RESPONSE_TIME: Final = "response_time"
INSTRUMENT: Final = "instrument"
SCORE: Final = "score"
COMMENT: Final = "comment"
SENTIMENT: Final = "sentiment"
TOUCHPOINT: Final = "touchpoint"
# contracts
CONTRACT_ID: Final = "contract_id"
START_TIME: Final = "start_time"
END_TIME: Final = "end_time"
PRICE: Final = "price"
RENEWED: Final = "renewed"
# environment
OBSERVED_TIME: Final = "observed_time"
# actions
ACTION_TIME: Final = "action_time"
ACTION: Final = "action"
PROPENSITY: Final = "propensity"
COST: Final = "cost"
HOLDOUT: Final = "holdout"
# outcomes
OUTCOME: Final = "outcome"
OUTCOME_TIME: Final = "outcome_time"

# labels
LABEL: Final = "label"

# predictions
P_DETRACTOR: Final = "p_detractor"
P_PASSIVE: Final = "p_passive"
P_PROMOTER: Final = "p_promoter"
NPS_CLASS: Final = "nps_class"
RENEWAL_RISK: Final = "renewal_risk"
HEALTH: Final = "health"
VALUE: Final = "value"
MODEL_VERSION: Final = "model_version"
# recommendations
CONTACT_TIME: Final = "contact_time"
EXPECTED_VALUE: Final = "expected_value"
EXPECTED_LOW: Final = "expected_low"
EXPECTED_HIGH: Final = "expected_high"
EFFECT_SOURCE: Final = "effect_source"
EVIDENCE: Final = "evidence"
PRIORITY: Final = "priority"
MARGIN: Final = "margin"
SMALLEST_CHANGE: Final = "smallest_change"
EXPLORED: Final = "explored"
INTENDED: Final = "intended"
RULE: Final = "rule"
RUNNER_UP: Final = "runner_up"
WHY: Final = "why"
POLICY_VERSION: Final = "policy_version"
DECISION_ID: Final = "decision_id"
# funnel and action mix of a policy
STAGE: Final = "stage"
DECIDED: Final = "decided"
SHARE: Final = "share"
# policy value
POLICY: Final = "policy"
AGAINST: Final = "against"
ESTIMATOR: Final = "estimator"
BUDGET: Final = "budget"
N_TREATED: Final = "n_treated"
N_UNTREATED: Final = "n_untreated"
P_HETEROGENEITY: Final = "p_heterogeneity"
LEARNER: Final = "learner"
TOO_LITTLE: Final = "too_little"
N_HELD_OUT: Final = "n_held_out"
TOTAL: Final = "total"
RATIO: Final = "ratio"
RATIO_LOW: Final = "ratio_low"
RATIO_HIGH: Final = "ratio_high"
EFFECTIVE_N: Final = "effective_n"
# ledger
BATCH: Final = "batch"
CURRENT: Final = "current"
# indicators
INDICATOR: Final = "indicator"
BY: Final = "by"
GROUP: Final = "group"
PERIOD: Final = "period"
UNIT: Final = "unit"
N: Final = "n"
N_CUSTOMERS: Final = "n_customers"
LOW: Final = "low"
HIGH: Final = "high"
# maturity
SOURCE: Final = "source"
ASPECT: Final = "aspect"
MEANING: Final = "meaning"
FEATURE: Final = "feature"
TABLE: Final = "table"
N_FEATURES: Final = "n_features"
COVERAGE: Final = "coverage"
MEASURE: Final = "measure"
# population NPS
RESPONDENTS_NPS: Final = "respondents_nps"
RESPONDENTS_LOW: Final = "respondents_low"
RESPONDENTS_HIGH: Final = "respondents_high"
PREDICTED_NPS: Final = "predicted_nps"
PREDICTED_LOW: Final = "predicted_low"
PREDICTED_HIGH: Final = "predicted_high"
SHARE_ANSWERED: Final = "share_answered"
N_LEARNT: Final = "n_learnt"
EFFECTIVE_SIZE: Final = "effective_size"
CORRECTION: Final = "correction"
# items of health, drivers
ITEM: Final = "item"
POINTS: Final = "points"
OF: Final = "of"
DIRECTION: Final = "direction"
SHARE_RAISED: Final = "share_raised"
SHARE_LOWERED: Final = "share_lowered"
# one customer's story
ATTRIBUTE: Final = "attribute"
KIND: Final = "kind"
LAST_YEAR: Final = "last_year"
IN_ALL: Final = "in_all"
LAST_TIME: Final = "last_time"
CHANNELS: Final = "channels"
# comparisons
N_BEFORE: Final = "n_before"
N_AFTER: Final = "n_after"
VALUE_BEFORE: Final = "value_before"
VALUE_AFTER: Final = "value_after"
DIFFERENCE: Final = "difference"
P_VALUE: Final = "p_value"
P_HOLM: Final = "p_holm"
# evaluations
MODEL: Final = "model"
HEAD: Final = "head"
CLASS: Final = "class"
NAMED: Final = "named"
PREDICTED: Final = "predicted"
OBSERVED: Final = "observed"
ECE: Final = "ece"
FLOOR: Final = "floor"
LIMIT: Final = "limit"
INSIDE: Final = "inside"
BIN: Final = "bin"
CONTACTED: Final = "contacted"
FOUND: Final = "found"
LIFT: Final = "lift"
CALIBRATION: Final = "calibration"
LOG_LOSS: Final = "log_loss"
GAIN: Final = "gain"
CHOSEN: Final = "chosen"
THRESHOLD: Final = "threshold"
CHOSEN_BY: Final = "chosen_by"
PROFIT: Final = "profit"
AUC: Final = "auc"
# coverage of a policy
OPTION: Final = "option"
WHERE: Final = "where"
PART: Final = "part"
CONDITION: Final = "condition"
N_TRUE: Final = "n_true"
N_FALSE: Final = "n_false"
N_UNKNOWN: Final = "n_unknown"
N_NOT_MET: Final = "n_not_met"
N_NOT_VALID: Final = "n_not_valid"
N_SUPPRESSED: Final = "n_suppressed"
N_NO_WORTH: Final = "n_no_worth"
N_FIRED: Final = "n_fired"
N_CHOSEN: Final = "n_chosen"
BEATEN_BY: Final = "beaten_by"
N_BEATEN: Final = "n_beaten"

RESERVED: Final = frozenset(
    {*KEY, P_DETRACTOR, P_PASSIVE, P_PROMOTER, NPS_CLASS, RENEWAL_RISK, HEALTH, VALUE, MODEL_VERSION, ACTION, COST}
)
"""Names that no feature can have: the key, and what stands beside the features in a policy."""

NPS_CLASSES: Final = ("detractor", "passive", "promoter")
P_NPS: Final = (P_DETRACTOR, P_PASSIVE, P_PROMOTER)
NO_ACTION: Final = "no_action"


BASE: Final = "base"
"""The item that is nobody's in particular: what health is before anything is known of the customer."""
ALL: Final = "all"
"""In place of a feature: all of an item."""


def uplift_columns(outcome: str, action: str) -> tuple[str, str, str]:
    """Return the columns of what an action changes in an outcome: the effect, and the ends of its 95% interval."""
    return f"uplift_{outcome}_{action}", f"uplift_low_{outcome}_{action}", f"uplift_high_{outcome}_{action}"


def reason_columns(rank: int) -> tuple[str, str, str, str]:
    """Return the feature, value, contribution and sentence columns of the reason at ``rank``; 1 is the strongest."""
    reason = f"reason_{rank}"
    return f"{reason}_feature", f"{reason}_value", f"{reason}_contribution", f"{reason}_sentence"
