"""Figures of an outcome as a person reads them: shares, points, money."""

from __future__ import annotations


def written(outcome: str, value: float, *, sign: bool = False) -> str:
    """Return a value of an outcome, such as ``81.7%`` or ``375.99``; with ``sign`` a difference (of shares: points)."""
    if outcome == "renewal":
        return f"{100 * value:+.1f}" if sign else f"{value:.1%}"
    return f"{value:+,.2f}" if sign or outcome == "nps" else f"{value:,.2f}"
