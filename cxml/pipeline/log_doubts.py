"""What is doubtful about a log of actions that is read as an experiment: told, for its figures look fine without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.errors import near_miss
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_STANDARD_ERRORS: Final = 4.0


def log_doubts(points: pd.DataFrame) -> list[str]:
    """Return what is doubtful about decisions that effects and policy values are learnt from, in sentences.

    Propensities that were not logged, or that cannot be the probabilities that the log was drawn with; costs that are
    not known, or of doing nothing; nobody left alone; customers held out who got an action all the same.

    Parameters
    ----------
    points : decisions, as `cxml.descriptive.action_log.decision_points` gives them
    """
    found, n, actions = [], len(points), sorted(set(points[c.ACTION]))
    if c.NO_ACTION not in actions:
        near = near_miss(c.NO_ACTION, actions) or "."
        found.append(
            f"actions: no decision with a known outcome is {c.NO_ACTION!r}{near} Who was left alone must be in the "
            f"log, under that name: what would have happened without an action is half of every comparison."
        )
    propensity = points[c.PROPENSITY].to_numpy(np.float64)
    if unknown := int(np.isnan(propensity).sum()):
        found.append(
            f"actions.propensity: of {unknown:,} of {n:,} decisions it was not logged (or as 0), so those of all are "
            f"estimated from the features: effects and values are those of an observation, right if nothing else "
            f"decided; what single actions brought is not measured."
        )
    else:
        found += [doubt for action in actions if (doubt := _not_drawn(points, propensity, action))]
    if costless := int(points[c.COST].isna().sum()):
        first = points.loc[points[c.COST].isna(), c.ACTION].tolist()[0]
        found.append(
            f"actions.cost: of {costless:,} of {n:,} decisions it is not known (first: {first!r}), and counts as 0: "
            f"what is left of revenue looks higher than it is."
        )
    nothing = (points[c.ACTION] == c.NO_ACTION).to_numpy()
    if paid := int((nothing & (points[c.COST] > 0).to_numpy()).sum()):
        found.append(
            f"actions.cost: {paid:,} of {int(nothing.sum()):,} decisions to do nothing cost something: what was "
            f"decided in fact is charged with it, and no other policy. Log {c.NO_ACTION!r} at 0."
        )
    held = points[c.HOLDOUT].to_numpy(bool)
    if acted := int((held & ~nothing).sum()):
        first = points.loc[held & ~nothing].iloc[0]
        found.append(
            f"actions.holdout: {acted:,} of {int(held.sum()):,} decisions on customers who are held out are an action "
            f"(first: customer {first[c.CUSTOMER_ID]!r}, {first[c.ACTION]!r}): what is measured against them is not "
            f"what actions brought. Who is held out gets {c.NO_ACTION!r}, and nothing else."
        )
    return found


def _not_drawn(points: pd.DataFrame, propensity: NDArray[Any], action: str) -> str:
    """Return that the propensities of an action are not those that it was drawn with; empty where they may be.

    Its 1 / propensity adds up to all rows of customers who could get it: never to more than all there are, and of doing
    nothing, which everybody can be left with, to no less.
    """
    weight = np.where(points[c.ACTION] == action, 1 / propensity, 0.0)
    mean, error = float(weight.mean()), float(weight.std() / np.sqrt(len(weight)))
    off = mean - 1 if action != c.NO_ACTION else abs(mean - 1)
    if off <= _STANDARD_ERRORS * error:
        return ""
    most = "about" if action == c.NO_ACTION else "at most"
    return (
        f"actions.propensity: 1 / propensity of the rows of {action!r} adds up to {mean:.2f} times all decisions, and "
        f"should add up to {most} once: these are not the probabilities of the row's own action, or nobody was left "
        f"alone by chance. Log the probability of the very action of each row, {c.NO_ACTION!r} included."
    )
