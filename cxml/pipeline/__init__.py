"""Where the layers meet for a whole company: check, train, score, and the demo that does it all."""

from cxml.pipeline.plan import check, feature_query
from cxml.pipeline.sample import demo
from cxml.pipeline.scoring import Scored, score
from cxml.pipeline.training import Trained, train

__all__ = ["Scored", "Trained", "check", "demo", "feature_query", "score", "train"]
