"""Computes every number of the scorecard again, from the exported tables alone, and compares each with what handoffd exported.

    recompute.py DIR [--format parquet|csv]       exits 0 if all agree to the last digit, 1 with what differs

Nothing of handoffd's code is used. The definitions, written anew from the published ones:

unit         one handoff cycle: what lies between an `opened` or `reopened` event of a stream and the next one. Of two acceptances the first counts.
moment       a time that the CRM claims counts if it is not before 2000 and at most ten minutes after the daemon's own; else the daemon's counts
             and the claim is doubtful. A span with a doubtful or reversed end cannot be told.
transition   the cycle's first `accepted` or `bypassed`. Its score: mandatory fields filled then, of those mandatory then. A field that was sent back
             and neither set, cleared nor edited since is not filled. What was accepted without exceptions is complete by definition, so
             is what stood as `completed` when it was passed by.
interval     95 %: Wilson's score interval of a share; of a median the order statistics of ranks floor((n - z sqrt n) / 2) and its mirror; of a mean
             Student's t.
completion   transitions with every mandatory field filled / transitions whose fields are all told; by the transition's moment.
acceptance   cycles whose first answer is an acceptance that was not asked again / cycles with an answer; by that answer's moment. Provisional while
             one of these acceptances is younger than 30 days.
time         from the accepted round's completion to the acceptance; total: from the first round's completion. Median = mean of the two middle
             ones; 90th percentile by nearest rank.
held         every millisecond from opening to acceptance belongs to one side: to the system while it was down, switched off, or noticed
             a turn more than 15 minutes late; else to the customer in a stage that the contract names; else to whose turn it is.
re_discovery accounts of which an accepted cycle was asked again / accounts with an accepted cycle; by the acceptance's moment. A record that names no
             account is its own. Not measurable of what ended before anybody listened. Provisional as acceptance is. See asked.py.
nps_delta    mean over accounts of (mean points of the answers in the 14 days from its crossing on - those of the 14 days before); accounts with
             both only. From handoff 03 on. Provisional while a crossing is younger than 14 days. See accounts.py.
leak_to_churn of accounts that left, not before the day of their crossing: those whose crossing had less than 70 % of its fields / all. Not measurable
             of fewer than 10. Provisional while any account stays. Nobody knows of accounts that nobody told facts of, nor of a crossing whose
             fields are not all told.
counts       by-passes (several gates on one entry into a stage are one), tampers, adjustments, ... by their moment.
people       see people.py.
frozen       each version of a frozen month: the month's figures made of the entries that the log held when it was frozen, 30 days after its end.
periods      ISO weeks and months in UTC, and all of them together; running until they end, then provisional for 30 days, then final.
"""

import argparse
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from accounts import Accounts
from asked import DAYS_30, Asked
from figures import NOTHING, at_least, hours, median, middle, plain, rank, rate, under
from fold import Fold, Tables
from people import people


def moment(microseconds):
    return datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc)


def microseconds(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()) * 1_000_000


def period(by, at):
    day = moment(at)
    if by == "month":
        return f"{day.year:04}-{day.month:02}"
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def end(when):
    """The first moment after a period."""
    if "W" in when:
        year, week = when.split("-W")
        return microseconds(datetime.fromisocalendar(int(year), int(week), 1) + timedelta(days=7))
    year, month = map(int, when.split("-"))
    return microseconds(datetime(year + month // 12, month % 12 + 1, 1))


def standing(when, as_of):
    if when is None or as_of < end(when):
        return "running"
    return "provisional" if as_of - end(when) < DAYS_30 else "final"


COUNTS = (
    "opened transitions decided accepted rejections bypasses bypasses_before_any_acceptance bypasses_never_accepted graces tampers adjustments reopened voided"
    " overdue overrides exceptions_lapsed unmeasurable untold reconstructed"
).split()
SIDES = {"held": "held", "held_by_sender": "sender", "held_by_receiver": "receiver", "held_by_customer": "customer", "held_by_system": "system"}


class Cell:
    def __init__(self):
        self.complete = self.transitions = self.first = self.decided = 0
        self.newest = None
        self.waited, self.total, self.held = [], [], []
        self.counts = defaultdict(int, {name: 0 for name in COUNTS})
        # Account → whether it was asked again.
        self.asked = {}
        self.crossings = []
        # Of cycles that were worked out afterwards: how many moved on, were answered, were accepted.
        self.past = defaultdict(int)

    def three(self, as_of):
        provisional = self.newest is not None and as_of - self.newest < DAYS_30
        return (
            rate(self.complete, self.transitions, at_least(90), floor=70, left_out=self.counts["untold"]),
            rate(self.first, self.decided, at_least(85), provisional),
            median(self.waited, self.counts["unmeasurable"]),
        )

    def re_discovery(self, until, as_of, heard):
        if heard is None or heard >= until:
            return NOTHING
        newest = self.asked.get("newest")
        accounts = [again for account, again in self.asked.items() if account != "newest"]
        return rate(sum(accounts), len(accounts), under(10), newest is not None and as_of - newest < DAYS_30)

    def figures(self, contract, when, as_of, heard, accounts):
        """(metric, unit) → value, met, n, band, provisional, low, high, method, left out, worked out afterwards, standing."""
        told, until = {}, as_of if when is None else end(when)
        completion, acceptance, time = self.three(as_of)
        moved, decided, accepted = (self.past[name] for name in ("moved", "decided", "accepted"))
        told["completion", "percent"] = (*completion, moved)
        told["acceptance", "percent"] = (*acceptance, decided)
        told["time_to_acceptance", "hours"] = (*time, accepted)
        told["re_discovery", "percent"] = (*self.re_discovery(until, as_of, heard), accepted)
        told["nps_delta", "points"] = (*accounts.nps(contract, self.crossings, as_of), moved)
        told["leak_to_churn", "percent"] = (*accounts.churn(self.crossings, as_of), moved)
        for name, spans in (("time_to_acceptance", sorted(self.waited)), ("total_elapsed", sorted(self.total))):
            for figure, seconds in (("median", middle(spans)), ("p90", rank(spans, -(-9 * len(spans) // 10)))):
                told[f"{name}_{figure}", "seconds"] = (*plain(seconds, len(spans)), None)
                told[f"{name}_{figure}", "hours"] = (*plain(hours(seconds), len(spans)), None)
        for name, side in SIDES.items():
            told[name, "milliseconds"] = (*plain(Decimal(sum(share[side] for share in self.held)), len(self.held)), None)
        for name, count in self.counts.items():
            told[name, "count"] = (*plain(Decimal(count), count), None)
        return {key: (*figure, standing(when, as_of)) for key, figure in told.items()}


def fill(fold, by, asked, accounts):
    """Everybody's cells, and people's: of months and all time."""
    cells, own = defaultdict(Cell), defaultdict(Cell)

    def all_of(cycle, at):
        return [cells[cycle.contract, cycle.motion, when] for when in (period(by, at), None)]

    def each(cycle, at, sender, receiver):
        sides = [("sender", sender), ("receiver", receiver)]
        persons = [
            own[cycle.contract, cycle.motion, when, side, who]
            for side, who in sides
            if who is not None
            for when in (period("month", at), None)
        ]
        return all_of(cycle, at) + persons

    for cycle in fold.cycles:
        again = asked.again(cycle)
        if cycle.opened is not None:
            for cell in all_of(cycle, cycle.opened):
                cell.counts["opened"] += 1
        touched = {}
        if cycle.transition:
            for cell in each(cycle, cycle.transition["at"], cycle.transition["sender"], None):
                filled, required = cycle.transition["filled"], cycle.transition["required"]
                cell.counts["transitions"] += 1
                touched.setdefault(id(cell), (cell, set()))[1].add("moved")
                if cycle.transition["untold"]:
                    cell.counts["untold"] += 1
                    continue
                cell.transitions += 1
                cell.complete += required > 0 and filled == required
        if cycle.decision:
            at, accepted = cycle.decision
            for cell in each(cycle, at, *cycle.parties):
                touched.setdefault(id(cell), (cell, set()))[1].add("decided")
                cell.counts["decided"] += 1
                cell.decided += 1
                cell.first += accepted and not again
                if accepted:
                    cell.newest = max(cell.newest or at, at)
                cell.counts["rejections"] += cycle.rejections
        if cycle.acceptance:
            shares, at = fold.shares(cycle), cycle.acceptance["at"]
            account = fold.account.get(cycle.stream, fold.record[cycle.stream])
            for cell in all_of(cycle, at):
                cell.asked[account] = cell.asked.get(account, False) or again
                cell.asked["newest"] = max(cell.asked.get("newest", at), at)
                if shares:
                    cell.held.append(shares)
            for cell in each(cycle, at, cycle.acceptance["sender"], cycle.acceptance["receiver"]):
                touched.setdefault(id(cell), (cell, set()))[1].add("accepted")
                cell.counts["accepted"] += 1
                cell.counts["unmeasurable"] += cycle.acceptance["waited"] is None
                for spans, told in ((cell.waited, "waited"), (cell.total, "total")):
                    if cycle.acceptance[told] is not None:
                        spans.append(cycle.acceptance[told])
        if cycle.past:
            for cell, what in touched.values():
                cell.counts["reconstructed"] += 1
                for name in what:
                    cell.past[name] += 1
    for cycle, at, kind, never in fold.marks:
        for cell in all_of(cycle, at):
            cell.counts[kind] += 1
            if kind == "bypasses":
                cell.counts["bypasses_before_any_acceptance"] += never
                cell.counts["bypasses_never_accepted"] += cycle.stream not in fold.accepted
    for crossing in accounts.crossings:
        for when in (period(by, crossing["at"]), None):
            cells[*crossing["line"], when].crossings.append(crossing)
    return cells, own


def scorecard(cells, by, as_of, heard, accounts):
    return {
        (by, contract, motion, when, metric, unit): figure
        for (contract, motion, when), cell in cells.items()
        for (metric, unit), figure in cell.figures(contract, when, as_of, heard, accounts).items()
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
        " rediscovered:b reconstructed:b untold:i"
    )
    rows = tables.rows("handoffs", columns, "last_position")
    return {(row["stream"], row["cycle"]): tuple(list(row.values())[2:]) for row in rows}


def cycles_again(fold, asked):
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
            asked.again(cycle),
            cycle.past,
            moved.get("untold"),
        )
    return again


# What customers do later is not frozen.
LATER = ("nps_delta", "leak_to_churn")

FIGURE = "value:n met:i n:i band:t provisional:b low:n high:n method:t left_out:i"


def newest(tables, table, key, more=""):
    """The newest export's rows: the moment, the smallest n of people, and key → figure."""
    kinds = " ".join(f"{name}:t" for name in key.split())
    minimum = "minimum_n:i " if table == "people" else ""
    rows = tables.rows(table, f"as_of:m {minimum}{kinds} {FIGURE}{more}", "as_of")
    last = max((row["as_of"] for row in rows), default=0)
    rows = [row for row in rows if row["as_of"] == last]
    names = [column.split(":")[0] for column in (FIGURE + more).split()]
    told = {}
    for row in rows:
        place = tuple(row[name] for name in key.split())
        assert place not in told, place
        told[place] = tuple(row[name] for name in names)
    return last, {row["minimum_n"] for row in rows} if minimum else set(), told


def frozen(tables):
    """Every version of a frozen month as the log says it, and computed again from what had been logged until then."""
    key = "version contract motion period metric unit"
    kinds = " ".join(f"{name}:{'i' if name == 'version' else 't'}" for name in key.split())
    told, versions = {}, defaultdict(set)
    for row in tables.rows("frozen", f"position:i entries:i {kinds} {FIGURE} reconstructed:i standing:t", "position"):
        versions[row["entries"]].add((row["version"], row["period"]))
        place, figure = list(row.values())[2:8], list(row.values())[8:]
        assert tuple(place) not in told, place
        told[tuple(place)] = tuple(figure)
    again = {}
    for entries, months in versions.items():
        before = tables.before(entries)
        fold, asked = Fold(before), Asked(before)
        accounts = Accounts(before, fold)
        cells, _ = fill(fold, "month", asked, accounts)
        for (contract, motion, when), cell in cells.items():
            for version in (version for version, month in months if month == when):
                figures = cell.figures(contract, when, end(when) + DAYS_30, asked.since, accounts)
                frozen = {place: figure for place, figure in figures.items() if place[0] not in LATER}
                again.update({(version, contract, motion, when, *place): figure for place, figure in frozen.items()})
    return told, again


def main():
    parser = argparse.ArgumentParser(description="Computes the scorecard again from exported tables.")
    parser.add_argument("folder")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    options = parser.parse_args()
    tables = Tables(options.folder, options.format)
    fold, asked = Fold(tables), Asked(tables)
    accounts = Accounts(tables, fold)
    as_of, _, told = newest(tables, "metrics", "by contract motion period metric unit", " reconstructed:i standing:t")
    _, minimum, persons = newest(tables, "people", "contract motion period side who metric unit")
    again, own = {}, {}
    for by in ("week", "month"):
        cells, own = fill(fold, by, asked, accounts)
        again.update(scorecard(cells, by, as_of, asked.since, accounts))
    named = people(own, fold.answers, min(minimum, default=5), as_of)
    cycles = cycles_told(tables)
    wrong = compare("cycle", cycles, cycles_again(fold, asked)) + compare("figure", told, again) + compare("person", persons, named)
    once, anew = frozen(tables)
    wrong += compare("frozen figure", once, anew)
    counts = f"{len(cycles)} cycles, {len(told)} figures, {len(persons)} figures of people and {len(once)} frozen ones"
    print(f"{counts} computed again, {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
