"""How likely something is by chance alone, so that a pattern is named only where it is more than that.

Belongs here: probabilities of counts. Not here: what is counted, and how small a probability has to be.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


def at_least(chances: Floats, least: Longs) -> Floats:
    """P(at least `least[i]` of the events of row i happen), events being independent: float64[N].

    chances float64[N, S]: the chance of each event; 0 where a row has fewer. Exact: no approximation by a normal curve,
    which would be wrong just where it matters, at few events.
    """
    n, top = len(chances), int(least.max(initial=0))
    counts = np.zeros((n, top + 1))  # chance of 0, 1, ... top events so far; the last stands for `top or more`
    counts[:, 0] = 1.0
    for event in chances.T:
        happens = counts * event[:, None]
        counts -= happens
        counts[:, 1:] += happens[:, :-1]
        counts[:, -1] += happens[:, -1]
    return np.where(np.arange(top + 1)[None, :] >= least[:, None], counts, 0.0).sum(axis=1)


def drawn_at_least(least: int, drawn: int, marked: int, total: int) -> float:
    """P(at least `least` marked ones among `drawn` of `total` things, `marked` of which are marked): hypergeometric."""
    most = min(drawn, marked)
    ways = sum(math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(max(least, 0), most + 1))
    return ways / math.comb(total, drawn)  # true division of whole numbers is exact to the last bit
