"""Where the layers meet for a whole company: check, indicators, train, score, and the demo that does it all."""

from cxml.pipeline.figures import Measured, compare, indicators, kpi
from cxml.pipeline.plan import check, feature_query
from cxml.pipeline.sample import demo
from cxml.pipeline.scoring import Scored, score
from cxml.pipeline.training import Trained, train

__all__ = [
    "Measured",
    "Scored",
    "Trained",
    "check",
    "compare",
    "demo",
    "feature_query",
    "indicators",
    "kpi",
    "score",
    "train",
]
