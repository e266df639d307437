"""How the limits of a run were used, as a manager reads it: what was short, and what more of it would be worth."""

from __future__ import annotations

from collections.abc import Iterator

from cxml.schema.allocated import Allocated


def limits_lines(allocated: Allocated, currency: str) -> Iterator[str]:
    """Give the lines of a table of limits, and how close the choices are to the best there are.

    Parameters
    ----------
    allocated : Allocated
    currency : of the worth of one unit more
    """
    if allocated.limits:
        width = max(22, *(len(limit.name) + 2 for limit in allocated.limits))
        yield f"{'Limit':<{width}}{'amount':>14}{'used':>14}{f'one more: {currency}':>18}"
        for limit in allocated.limits:
            amount, used = (_number(figure) for figure in (limit.amount, limit.used))
            yield f"{limit.name:<{width}}{amount:>14}{used:>14}{limit.price:>18,.2f}"
    if allocated.method == "arbitration":
        yield "No limit is short: everybody gets what is worth most."
    else:
        yield (
            f"Ranked {allocated.value:,.0f} together within the limits; no other choice is above "
            f"{allocated.bound:,.0f} (gap {allocated.gap:.3%})."
        )


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure == round(figure) or abs(figure) >= 1_000 else f"{figure:,.3g}"
