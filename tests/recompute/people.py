"""The same figures per sender and receiver, by month and over all time, and how each receiver answers.

Completion is the sender's alone. A figure that is made of fewer than `minimum_n` is not told, and nobody of whom no figure is told is named.
quick        an acceptance less than a minute after the package was complete; a run of them is broken by any other answer of that person.
"""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from figures import NOTHING, hundredths, plain

QUICK = 60_000


def people(cells, answers, minimum, as_of):
    """(contract, motion, period, side, who, metric, unit) → figure."""
    told = {}
    for (contract, motion, when, side, who), cell in cells.items():
        completion, acceptance, time = cell.three(as_of)
        figures = {("acceptance", "percent"): acceptance, ("time_to_acceptance", "hours"): time}
        if side == "sender":
            figures["completion", "percent"] = completion
        for key, figure in figures.items():
            if figure[0] is not None and figure[2] < minimum:
                figures[key] = NOTHING
        if all(figure[0] is None for figure in figures.values()):
            continue
        for name in ("opened", "transitions", "decided", "accepted", "voided"):
            count = cell.counts[name]
            figures[name, "count"] = plain(Decimal(count), count)
        told.update({(contract, motion, when, side, who, *key): figure for key, figure in figures.items()})
    for (contract, motion, who), tally in answers.tallies.items():
        if tally.answers >= minimum:
            told.update({(contract, motion, None, "receiver", who, *key): figure for key, figure in tally.figures().items()})
    return told


class Tally:
    def __init__(self):
        self.answers = self.rejected = self.quick = self.run = self.longest = 0

    def take(self, accepted, waited):
        self.answers += 1
        self.rejected += not accepted
        is_quick = accepted and waited is not None and waited < QUICK
        self.quick += is_quick
        self.run = self.run + 1 if is_quick else 0
        self.longest = max(self.longest, self.run)

    def figures(self):
        share = hundredths(Fraction(100 * self.rejected, self.answers))
        most = self.answers >= 10 and 2 * self.rejected > self.answers
        return {
            ("rejections", "percent"): (share, self.rejected, self.answers, *plain(None, 0)[3:]),
            ("quick_acceptances", "count"): plain(Decimal(self.quick), self.quick),
            ("longest_quick_run", "count"): plain(Decimal(self.longest), self.longest),
            ("rubber_stamp", "flag"): plain(Decimal(self.longest >= 5), self.answers),
            ("rejects_most", "flag"): plain(Decimal(most), self.answers),
        }


class Answers:
    """Folded from events, in the log's order."""

    def __init__(self):
        self.completed, self.tallies = {}, defaultdict(Tally)

    def take(self, event, when, span):
        stream, name = event["stream"], event["event"]
        if name == "completed":
            self.completed[stream] = when
        elif name in ("accepted", "rejected"):
            waited = span(self.completed.pop(stream, None), when)
            self.tallies[event["contract"], event["motion"], event["by"]].take(name == "accepted", waited)
