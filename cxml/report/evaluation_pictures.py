"""How good models are, as a picture: a function of frames that returns a matplotlib figure; it writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY: Final = "#767676"
_COLOURS: Final = (("#D55E00", "o"), ("#0072B2", "s"), ("#009E73", "^"))
"""Of Okabe and Ito, 2008, and a marker each: the colour-blind tell them apart, and so does a print without colour."""


def evaluation_picture(bins: pd.DataFrame, gains: pd.DataFrame, reliability: pd.DataFrame) -> Figure:
    """Return the calibration curves and the gain curves of each model, with 95% intervals.

    Parameters
    ----------
    bins, gains, reliability : frames as `cxml.pipeline.evaluating.Evaluated` has them
    """
    from matplotlib.figure import Figure as Canvas

    models = list(dict.fromkeys(gains[c.MODEL]))
    canvas = Canvas(figsize=(9, 0.5 + 4 * len(models)), layout="constrained")
    panels = canvas.subplots(len(models), 2, squeeze=False)
    for (left, right), model in zip(panels, models, strict=True):
        overall = reliability[(reliability[c.MODEL] == model) & (reliability[c.BY] == "all")]
        _calibration(left, bins[(bins[c.MODEL] == model) & (bins[c.BY] == "all")], overall, model)
        _gain(right, gains[gains[c.MODEL] == model], model)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.set_major_formatter("{x:.0%}")
            axes.yaxis.set_major_formatter("{x:.0%}")
    of_all = reliability[reliability[c.BY] == "all"]
    inside = int(of_all[c.INSIDE].sum())
    title = f"{inside} of {len(of_all)} probabilities mean what they say, on rows that the models have not seen"
    canvas.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return canvas


def _calibration(axes: Axes, bins: pd.DataFrame, overall: pd.DataFrame, model: str) -> None:
    axes.axline((0, 0), slope=1, color=_GREY, linestyle="--", label="as said")
    for (head, of), (colour, marker) in zip(bins.groupby(c.HEAD, sort=False), _COLOURS, strict=False):
        (judged,) = overall[overall[c.HEAD] == head].itertuples(index=False)
        verdict = "inside" if judged.inside else "outside"
        errors = [of[c.OBSERVED] - of[c.LOW], of[c.HIGH] - of[c.OBSERVED]]
        label = f"{head}: ECE {judged.ece:.3f}, {verdict} the limit {judged.limit:.3f}"
        axes.errorbar(of[c.PREDICTED], of[c.OBSERVED], yerr=errors, fmt=marker, color=colour, capsize=3, label=label)
    most = min(1.0, 1.05 * float(bins[[c.PREDICTED, c.HIGH]].to_numpy().max()))
    axes.set(xlim=(0, most), ylim=(0, most), xlabel="said", ylabel="came true (95% interval)")
    axes.set_title(f"{model}: what was said, and what came true", loc="left", fontsize="medium")
    axes.legend(frameon=False, loc="upper left", fontsize="small")


def _gain(axes: Axes, gains: pd.DataFrame, model: str) -> None:
    axes.axline((0, 0), slope=1, color=_GREY, linestyle="--", label="at random")
    for (head, of), (colour, _) in zip(gains.groupby(c.HEAD, sort=False), _COLOURS, strict=False):
        contacted = [0, *of[c.CONTACTED]]
        axes.plot(contacted, [0, *of[c.FOUND]], color=colour, label=head)
        axes.fill_between(contacted, [0, *of[c.LOW]], [0, *of[c.HIGH]], color=colour, alpha=0.2, linewidth=0)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="customers contacted, highest first", ylabel="found (95% interval)")
    axes.set_title(f"{model}: whom contacting finds", loc="left", fontsize="medium")
    axes.legend(frameon=False, loc="lower right", fontsize="small")
