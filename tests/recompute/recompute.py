"""Computes every number of the scorecard again, from the exported tables alone, and compares each with what handoffd exported.

    recompute.py DIR [--format parquet|csv]       exits 0 if all agree to the last digit, 1 with what differs

Nothing of handoffd's code is used. The definitions, written anew from the published ones:

unit         one handoff cycle: what lies between an `opened` or `reopened` event of a stream and the next one.
moment       a time that the CRM claims counts if it is not before 2000 and at most ten minutes after the daemon's own; else the daemon's counts
             and the claim is doubtful. A span with a doubtful or reversed end cannot be told.
transition   the cycle's first `accepted` or `bypassed`. Its score: mandatory fields filled then, of those mandatory then. A field that was sent back
             and neither set, cleared nor edited since is not filled. What was accepted without exceptions is complete by definition, so
             is what stood as `completed` when it was passed by.
interval     95 %: Wilson's score interval of a share; of a median the order statistics of ranks floor((n - z sqrt n) / 2) and its mirror.
completion   transitions with every mandatory field filled / transitions whose fields are all told; by the transition's moment.
acceptance   cycles whose first answer is an acceptance / cycles with an answer; by that answer's moment. Provisional while one of these
             acceptances is younger than 30 days.
time         from the accepted round's completion to the acceptance; total: from the first round's completion. Median = mean of the two middle
             ones; 90th percentile by nearest rank.
held         every millisecond from opening to acceptance belongs to one side: to the system while it was down, switched off, or noticed
             a turn more than 15 minutes late; else to the customer in a stage that the contract names; else to whose turn it is.
re_discovery asked accounts / accounts with an acceptance; not measurable while nobody listens. NPS delta and
             leak to churn: not measurable while nothing is told of accounts.
counts       by-passes (several gates on one entry into a stage are one), tampers, adjustments, ... by their moment.
periods      ISO weeks and months in UTC, and all of them together.
"""

import argparse
import sys
from collections import defaultdict
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, getcontext

from fold import MINUTE, Fold, Tables

getcontext().prec = 50
MONTH_DAYS = 30 * 24 * 60 * MINUTE


def hundredths(number):
    return number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def moment(microseconds):
    return datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc)


def period(by, at):
    day = moment(at)
    if by == "month":
        return f"{day.year:04}-{day.month:02}"
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


COUNTS = (
    "opened transitions decided accepted rejections bypasses bypasses_before_any_acceptance bypasses_never_accepted graces tampers adjustments reopened voided"
    " overdue overrides exceptions_lapsed unmeasurable"
).split()
SIDES = {"held": "held", "held_by_sender": "sender", "held_by_receiver": "receiver", "held_by_customer": "customer", "held_by_system": "system"}


class Cell:
    def __init__(self):
        self.complete = self.transitions = self.first = self.decided = 0
        self.provisional = False
        self.waited, self.total, self.held = [], [], []
        self.counts = defaultdict(int, {name: 0 for name in COUNTS})

    def figures(self):
        """(metric, unit) → (value, met, n, band, provisional, low, high, method)."""
        told = {}
        told["completion", "percent"] = self.rate(self.complete, self.transitions, 90, 70, False)
        told["acceptance", "percent"] = self.rate(self.first, self.decided, 85, None, self.provisional)
        told["time_to_acceptance", "hours"] = self.median()
        for metric, unit in (("re_discovery", "percent"), ("nps_delta", "points"), ("leak_to_churn", "percent")):
            told[metric, unit] = NOTHING
        for name, spans in (("time_to_acceptance", sorted(self.waited)), ("total_elapsed", sorted(self.total))):
            for figure, seconds in (("median", middle(spans)), ("p90", rank(spans, -(-9 * len(spans) // 10)))):
                told[f"{name}_{figure}", "seconds"] = plain(seconds, len(spans))
                told[f"{name}_{figure}", "hours"] = plain(hours(seconds), len(spans))
        for name, side in SIDES.items():
            told[name, "milliseconds"] = plain(Decimal(sum(share[side] for share in self.held)), len(self.held))
        for name, count in self.counts.items():
            told[name, "count"] = plain(Decimal(count), count)
        return told

    @staticmethod
    def rate(met, n, target, floor, provisional):
        if n == 0:
            return NOTHING
        band = "on_target" if 100 * met >= target * n else "below"
        if floor is not None and 100 * met < floor * n:
            band = "aspirational"
        low, high = wilson(met, n)
        return hundredths(Decimal(100 * met) / Decimal(n)), met, n, band, provisional, low, high, "wilson"

    def median(self):
        spans, n = sorted(self.waited), len(self.waited)
        if n == 0:
            return NOTHING
        seconds, first = middle(spans), int((n - Z * Decimal(n).sqrt()) // 2)
        band = "on_target" if seconds < 48 * 3600 else "below"
        ends = (hours(rank(spans, first)), hours(rank(spans, n + 1 - first)), "order_statistics") if first > 0 else (None,) * 3
        return hours(seconds), None, n, band, False, *ends


Z = Decimal("1.959963984540054")
NOTHING = (None, None, 0, "not_measurable", False, None, None, None)


def plain(value, n):
    return value, None, n, None, False, None, None, None


def middle(spans):
    """Seconds: a thousandth of the mean of the two middle milliseconds."""
    return Decimal(spans[(len(spans) - 1) // 2] + spans[len(spans) // 2]) / 2000 if spans else None


def rank(spans, number):
    return Decimal(spans[number - 1]) / 1000 if spans else None


def hours(seconds):
    return None if seconds is None else hundredths(seconds / 3600)


def wilson(met, n):
    share, count, square = Decimal(met) / n, Decimal(n), Z * Z
    centre = share + square / (2 * count)
    half = Z * (share * (1 - share) / count + square / (4 * count * count)).sqrt()
    low, high = ((centre + sign * half) / (1 + square / count) for sign in (-1, 1))
    return hundredths(100 * low if met else Decimal(0)), hundredths(100 * high if met < n else Decimal(100))


def scorecard(fold, by, as_of):
    cells = defaultdict(Cell)

    def each(cycle, at):
        yield cells[cycle.contract, cycle.motion, period(by, at)]
        yield cells[cycle.contract, cycle.motion, None]

    for cycle in fold.cycles:
        if cycle.opened is not None:
            for cell in each(cycle, cycle.opened):
                cell.counts["opened"] += 1
        if cycle.transition:
            for cell in each(cycle, cycle.transition["at"]):
                filled, required = cycle.transition["filled"], cycle.transition["required"]
                cell.counts["transitions"] += 1
                if cycle.transition["untold"]:
                    continue
                cell.transitions += 1
                cell.complete += required > 0 and filled == required
        if cycle.decision:
            at, accepted = cycle.decision
            for cell in each(cycle, at):
                cell.counts["decided"] += 1
                cell.decided += 1
                cell.first += accepted
                cell.provisional |= accepted and as_of - at < MONTH_DAYS
                cell.counts["rejections"] += cycle.rejections
        if cycle.acceptance:
            shares = fold.shares(cycle)
            for cell in each(cycle, cycle.acceptance["at"]):
                cell.counts["accepted"] += 1
                cell.counts["unmeasurable"] += cycle.acceptance["waited"] is None
                for spans, told in ((cell.waited, "waited"), (cell.total, "total")):
                    if cycle.acceptance[told] is not None:
                        spans.append(cycle.acceptance[told])
                if shares:
                    cell.held.append(shares)
    for cycle, at, kind, never in fold.marks:
        for cell in each(cycle, at):
            cell.counts[kind] += 1
            if kind == "bypasses":
                cell.counts["bypasses_before_any_acceptance"] += never
                cell.counts["bypasses_never_accepted"] += cycle.stream not in fold.accepted
    return {
        (by, contract, motion, when, metric, unit): figure
        for (contract, motion, when), cell in cells.items()
        for (metric, unit), figure in cell.figures().items()
    }


def compare(what, told, again):
    """How many agree; prints what does not."""
    wrong = 0
    for key in sorted(told.keys() | again.keys(), key=str):
        if told.get(key, "nothing") != again.get(key, "nothing"):
            wrong += 1
            if wrong <= 10:
                print(f"{what} {key}: exported {told.get(key, 'nothing')}, computed again {again.get(key, 'nothing')}")
    return wrong


def cycles_told(tables):
    columns = (
        "stream:t cycle:i transition_at:m bypassed:b filled:i required:i decided_at:m first_pass:b rejections:i accepted_at:m"
        " accepted_round:i waited_ms:i total_ms:i ended_at:m held_ms:i sender_ms:i receiver_ms:i customer_ms:i system_ms:i"
    )
    rows = tables.rows("handoffs", columns, "last_position")
    return {(row["stream"], row["cycle"]): tuple(list(row.values())[2:]) for row in rows}


def cycles_again(fold):
    again = {}
    for cycle in fold.cycles:
        moved, decided, accepted = cycle.transition or {}, cycle.decision or (None, None), cycle.acceptance or {}
        shares = fold.shares(cycle) or {}
        ended = shares.get("until")
        again[cycle.stream, cycle.number] = (
            *(moved.get(name) for name in ("at", "bypassed", "filled", "required")),
            *decided,
            cycle.rejections,
            *(accepted.get(name) for name in ("at", "round", "waited", "total")),
            None if ended is None else ended * 1000,
            *(shares.get(name) for name in ("held", "sender", "receiver", "customer", "system")),
        )
    return again


def metrics_told(tables):
    columns = (
        "as_of:m by:t contract:t motion:t period:t metric:t unit:t value:n met:i n:i band:t provisional:b low:n high:n method:t"
    )
    rows = tables.rows("metrics", columns, "as_of")
    newest = max((row["as_of"] for row in rows), default=0)
    told = {}
    for row in rows:
        if row["as_of"] == newest:
            key = tuple(row[name] for name in "by contract motion period metric unit".split())
            assert key not in told, key
            told[key] = tuple(row[name] for name in "value met n band provisional low high method".split())
    return newest, told


def main():
    parser = argparse.ArgumentParser(description="Computes the scorecard again from exported tables.")
    parser.add_argument("folder")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    asked = parser.parse_args()
    tables = Tables(asked.folder, asked.format)
    fold = Fold(tables)
    as_of, told = metrics_told(tables)
    again = {**scorecard(fold, "week", as_of), **scorecard(fold, "month", as_of)}
    cycles = cycles_told(tables)
    wrong = compare("cycle", cycles, cycles_again(fold)) + compare("figure", told, again)
    print(f"{len(cycles)} cycles and {len(told)} figures computed again, {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
