"""The sentences of a governor report, made from its figures; they say what the figures say and nothing more.

Belongs here: wording. No sentence names a cause, none calls a difference important, and none is made from a hidden
figure. Not here: counting, tables, the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from attendance_pipeline.reports.benchmarks import Comparison
from attendance_pipeline.reports.figures import long_date, number, percent, plural, points, rounded, tenths
from attendance_pipeline.reports.governor_effect import EPISODES_FOR_AN_INTERVAL, Difference, Effect
from attendance_pipeline.reports.governor_figures import GovernorFigures, Group
from attendance_pipeline.reports.governor_hidden import Hidden
from attendance_pipeline.reports.governor_tables import area_name, rate
from attendance_pipeline.reports.suppression import shown

NOT_EVIDENCE = "not evidence of effect"


def narrative(
    figures: GovernorFigures, hidden: Hidden, effect: Effect, published: Comparison, whole: str = "the school"
) -> list[str]:
    """A few sentences for somebody who reads nothing else. `whole`: all pupils together, `the trust` perhaps."""
    said = (
        _half_term(figures, hidden),
        _compared(figures, hidden, published),
        _persistent(figures, hidden),
        _reasons(figures, hidden),
        _groups(figures, hidden, whole),
        _ladder(figures, hidden),
        _effect(effect, hidden),
    )
    return [words for words in said if words]


def above_or_below(difference: Decimal) -> str:
    """`0.4 points above`, `the same as`: of figures as printed."""
    if difference == 0:
        return "the same as"
    unit = "point" if abs(difference) == 1 else "points"
    return f"{abs(difference):.1f} {unit} {'above' if difference > 0 else 'below'}"


def _half_term(figures: GovernorFigures, hidden: Hidden) -> str:
    now = rate(figures.school.half_term)
    if hidden.school or now is None:
        return ""
    before = None if figures.before is None else rate(figures.before)
    if before is None:
        return f"Attendance this half-term was {percent(now)}."
    against = f"{above_or_below(now - before)} the half-term before ({percent(before)})"
    return f"Attendance this half-term was {percent(now)}, {against}."


def _compared(figures: GovernorFigures, hidden: Hidden, published: Comparison) -> str:
    point = figures.same_point
    own = None if point is None or hidden.aged_5_to_15 else rate(point.year)
    if own is None or not published.areas:
        return ""
    against = [
        f"{above_or_below(own - rounded(p.attendance))} {area_name(p)} ({percent(rounded(p.attendance))})"
        for p in published.areas
        if p.attendance is not None
    ]
    to = long_date(published.own_to) if published.own_to else ""
    last = published.areas[0].data_to
    point_words = "at the same point" if published.this_year else f"in the same week last year (to {long_date(last)})"
    return f"In the year to {to}, pupils aged 5 to 15 attended {percent(own)}: {_listed(against)} {point_words}."


def _persistent(figures: GovernorFigures, hidden: Hidden) -> str:
    """How many have missed a tenth, and how many half, of their sessions in the year to date."""
    school = figures.school
    if hidden.school or hidden.persistent or not school.pupils:
        return ""
    share = percent(tenths(school.persistent, school.pupils))
    words = (
        f"{number(school.persistent)} of {number(school.pupils)} pupils ({share}) have missed "
        f"{_share(figures.persistent_from)} or more of their sessions this year"
    )
    if hidden.severe or not school.persistent:
        return f"{words}."
    severe = plural(school.severe, "of them", "of them").replace("no of", "none of")
    return f"{words}, {severe} {_share(figures.severe_from)} or more."


def _reasons(figures: GovernorFigures, hidden: Hidden) -> str:
    possible = figures.school.half_term.possible
    absent = sum(r.half_term.sessions for r in figures.reasons)
    if hidden.school or not possible or not absent:
        return ""
    seen = [r for r, few in zip(figures.reasons, hidden.half_term.parts, strict=True) if not few]
    most = max(figures.reasons, key=lambda r: r.half_term.sessions)
    if most not in seen:
        return ""
    missed = percent(tenths(most.half_term.sessions, possible))
    out_of = percent(tenths(most.half_term.sessions, absent))
    return f"The most common reason for absence was {_lower(most.name)}: {missed} of sessions, {out_of} of all absence."


def _groups(figures: GovernorFigures, hidden: Hidden, whole: str) -> str:
    years = [(rate(g.half_term), g) for g, few in zip(figures.years, hidden.years.rows, strict=True) if not few]
    rates = [(value, g) for value, g in years if value is not None]
    words = []
    if len(rates) >= 2:
        low, high = min(r for r, _ in rates), max(r for r, _ in rates)
        if low < high:
            words.append(
                f"By year group attendance ran from {percent(low)} ({_names(rates, low)}) "
                f"to {percent(high)} ({_names(rates, high)})"
            )
    cohorts = [(rate(g.half_term), g) for g, few in zip(figures.cohorts, hidden.cohorts.rows, strict=True) if not few]
    school = rate(figures.school.half_term)
    lowest = min(((r, g) for r, g in cohorts if r is not None), key=lambda found: found[0], default=None)
    if lowest and school is not None and not hidden.school and lowest[0] < school:
        words.append(
            f"the lowest of the cohorts shown was {_lower(lowest[1].name)} at {percent(lowest[0])}, "
            f"{above_or_below(lowest[0] - school)} {whole}"
        )
    text = "; ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _names(rates: Sequence[tuple[Decimal, Group]], value: Decimal) -> str:
    return _listed([g.name for r, g in rates if r == value])


def _ladder(figures: GovernorFigures, hidden: Hidden) -> str:
    counts = (
        (sum(r.opened for r in figures.ladder), hidden.opened.total, "episode opened", "episodes opened"),
        (sum(r.moved_up for r in figures.ladder), hidden.moved_up.total, "moved up a stage", "moved up a stage"),
        (sum(r.recovered for r in figures.ladder), hidden.recovered.total, "recovered", "recovered"),
    )
    said = [
        plural(n, one, many).replace("no moved", "none moved").replace("no rec", "none rec")
        for n, few, one, many in counts
        if not few
    ]
    now = sum(r.now for r in figures.ladder)
    words = f"On the ladder in the half-term, {_listed(said)}" if said else ""
    if not hidden.now.total:
        stands = f"{plural(now, 'pupil is', 'pupils are')} on it now"
        words = (
            f"{words}; {stands}" if words else f"{stands[:1].upper()}{stands[1:]}".replace(" on it ", " on the ladder ")
        )
    return f"{words}." if words else ""


def _effect(effect: Effect, hidden: Hidden) -> str:
    """One sentence of the comparison for the first page; the rest is in the detail."""
    if not effect.episodes:
        return ""
    found = effect.difference
    if found is None:
        return (
            f"Fewer than {EPISODES_FOR_AN_INTERVAL} episodes of this year can be compared with similar pupils yet: "
            f"what the ladder shows is {NOT_EVIDENCE}."
        )
    apart, low, high = (points(rounded(Decimal(repr(x)))) for x in (found.difference, found.low, found.high))
    none = " This includes no difference." if found.low <= 0 <= found.high else ""
    return (
        f"Attendance after a stage opened changed by {apart} points against similar pupils who were not on the ladder "
        f"(95% interval {low} to {high}).{none}"
    )


def effect_words(effect: Effect, hidden: Hidden) -> list[str]:
    """What became of the year's episodes; then how the comparison is to be read, or why there is none."""
    if effect.episodes == 0:
        return ["No episode has opened this academic year."]
    lines = [_outcomes(effect, hidden)]
    few = [c for c in effect.stages if c.difference is None]
    if effect.difference is None:
        lines.append(
            f"Fewer than {EPISODES_FOR_AN_INTERVAL} episodes can be compared with similar pupils: {NOT_EVIDENCE}."
        )
        return lines
    lines.append(_difference(effect.difference, effect.compared))
    if few:
        stages = _listed([str(c.stage) for c in few])
        lines.append(
            f"Stage{'s' if len(few) > 1 else ''} {stages}: fewer than {EPISODES_FOR_AN_INTERVAL} episodes to compare, "
            f"{NOT_EVIDENCE}."
        )
    return lines


def _outcomes(effect: Effect, hidden: Hidden) -> str:
    parts = (
        (effect.recovered, "recovered"),
        (effect.open_first_stage, "open at the stage they began at"),
        (effect.open_later_stage, "open at a later stage"),
        (effect.ended_otherwise, "ended otherwise (left, or closed by a person)"),
    )
    order = (0, 2, 3, 1)  # as Effect and Hidden count them
    seen = [(n, words) for (n, words), i in zip(parts, order, strict=True) if not hidden.outcomes.parts[i]]
    said = [f"{number(n)} {words}" for n, words in seen if n]
    if hidden.outcomes.total:
        return "Episodes opened this academic year: c."
    total = f"{plural(effect.episodes, 'episode')} opened this academic year"
    few = "" if len(seen) == len(parts) else " (the rest: c)"
    return f"{total[:1].upper()}{total[1:]}: {', '.join(said)}{few}." if said else f"{total[:1].upper()}{total[1:]}."


def _difference(found: Difference, episodes: int) -> str:
    own, similar, apart, low, high = (
        points(rounded(Decimal(repr(x))))
        for x in (found.change, found.change_of_similar, found.difference, found.low, found.high)
    )
    zero = found.low <= 0 <= found.high
    return (
        f"Four school weeks after a stage opened against four before, {number(episodes)} episodes: {own} points; to be "
        f"expected from pupils of similar attendance who were not on the ladder: {similar}. Difference {apart} points "
        f"(95% interval {low} to {high}{', which includes none' if zero else ''}). A comparison of similar pupils, "
        "not a proof."
    )


def notes(
    figures: GovernorFigures,
    hidden: Hidden,
    published: Comparison,
    *,
    as_at: str,
    day_words: str,
    whole: str = "the school",
) -> list[str]:
    """How the figures are made, for who asks."""
    gone = ""
    if figures.left:
        gone = f" Pupils who have left this year are not counted ({shown(number(figures.left), hidden.left)})."
    return [
        f"All figures are of the pupils on roll on {day_words}, from marks of sessions up to {as_at}. Attendance: "
        "sessions attended of sessions possible. Persistently absent: missed "
        f"{_share(figures.persistent_from)} or more of their own sessions in the year to date; severely absent: "
        f"{_share(figures.severe_from)} or more.{gone}",
        "c: not shown, because it is of very few pupils or would give such a figure away. No pupil is named.",
        "Effect: pupils are compared with others of the same school who were not on the ladder when the stage opened "
        "nor in the four school weeks before, and whose attendance was within 7.5 points over those weeks and within 2 "
        "points over the year; what is left of a difference is allowed for by a line fitted through them, as is what "
        "similar pupils had of the ladder themselves later.",
        f"{published.said()}{_of_the_whole(figures, published, whole)}",
    ]


def _of_the_whole(figures: GovernorFigures, published: Comparison, whole: str) -> str:
    if published.own_to is None or figures.same_point is None:
        return ""
    own = f"{whole[:1].upper()}{whole[1:]}'s own figure"
    return f" {own} beside them is of the same ages, to {long_date(published.own_to)}."


def _share(thousandths: int) -> str:
    return f"{Decimal(thousandths) / 1000:f}%"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:] if not words[:2].isupper() and not words.startswith("English") else words


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
