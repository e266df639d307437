"""The two models: which NPS class a customer is in, and whether the customer will be lost."""

from __future__ import annotations

from typing import ClassVar

from cxml.predictive.ordinal import OrdinalClassifier
from cxml.schema.columns import NPS_CLASSES


class NpsClassifier(OrdinalClassifier):
    """P(detractor), P(passive), P(promoter) of a customer, whether asked or not.

    ``classes_`` is in the order of the scale: detractor, passive, promoter. Parameters are those of
    `cxml.predictive.ordinal.OrdinalClassifier`.
    """

    ordered_classes: ClassVar = NPS_CLASSES
    _label: ClassVar = "nps"


class RenewalClassifier(OrdinalClassifier):
    """P(no renewal within the horizon: no new contract, or no more event): class 1.0 is the loss.

    Parameters are those of `cxml.predictive.ordinal.OrdinalClassifier`.
    """

    ordered_classes: ClassVar = (0.0, 1.0)
    _label: ClassVar = "renewal"
