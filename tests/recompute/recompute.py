"""Computes every number of the scorecard again, from the exported tables alone, and compares each with what handoffd exported.

    recompute.py DIR [--format parquet|csv]       exits 0 if all agree to the last digit, 1 with what differs

Nothing of handoffd's code is used. The definitions, written anew from the published ones:

unit         one handoff cycle: what lies between an `opened` or `reopened` event of a stream and the next one.
moment       a time that the CRM claims counts if it is not before 2000 and at most ten minutes after the daemon's own; else the daemon's counts
             and the claim is doubtful. A span with a doubtful or reversed end cannot be told.
transition   the cycle's first `accepted` or `bypassed`. Its score: mandatory fields filled then, of those mandatory then. A field that was sent back
             and neither set, cleared nor edited since is not filled. What was accepted without exceptions is complete by definition, so
             is what stood as `completed` when it was passed by.
completion   transitions with every mandatory field filled / transitions; by the transition's moment.
acceptance   cycles whose first answer is an acceptance / cycles with an answer; by that answer's moment. Provisional while one of these
             acceptances is younger than 30 days.
time         from the accepted round's completion to the acceptance; total: from the first round's completion. Median = mean of the two middle
             ones; 90th percentile by nearest rank.
held         every millisecond from opening to acceptance belongs to one side: to the system while it was down, switched off, or noticed
             a turn more than 15 minutes late; else to the customer in a stage that the contract names; else to whose turn it is.
counts       by-passes (several gates on one entry into a stage are one), tampers, adjustments, ... by their moment.
periods      ISO weeks and months in UTC, and all of them together.
"""

import argparse
import glob
import os
import sys
from collections import defaultdict
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, getcontext

import duckdb

getcontext().prec = 50
MINUTE = 60_000_000
OLDEST = 946_684_800_000_000
MONTH_DAYS = 30 * 24 * 60 * MINUTE


class Tables:
    """The exported files, as DuckDB reads them."""

    def __init__(self, folder, ending):
        self.db = duckdb.connect()
        self.folder, self.ending = folder, ending

    def relation(self, table):
        files = os.path.join(self.folder, table, "*." + self.ending)
        if not glob.glob(files):
            sys.exit(f"{files}: no such file")
        if self.ending == "csv":
            # Every cell as text; an empty one is nothing.
            return f"read_csv('{files}', all_varchar=true, header=true, nullstr='')"
        return f"read_parquet('{files}')"

    def rows(self, table, columns, order):
        """Rows as dictionaries. `name:kind` with kind i (integer), m (moment, as microseconds), b (flag), n (decimal), t (text)."""
        shown = []
        for column in columns.split():
            name, kind = column.split(":")
            quoted = f'"{name}"'
            cast = {
                "i": f"{quoted}::BIGINT",
                "m": f"epoch_us({quoted}::TIMESTAMPTZ)",
                "b": f"{quoted}::BOOLEAN",
                "n": f"{quoted}::DECIMAL(38,9)",
                "t": f"{quoted}::VARCHAR",
            }[kind]
            shown.append(f"{cast} AS {quoted}")
        sql = f"SELECT {', '.join(shown)} FROM {self.relation(table)} ORDER BY {order}"
        names = [column.split(":")[0] for column in columns.split()]
        return [dict(zip(names, row)) for row in self.db.execute(sql).fetchall()]


def weigh(claim, logged):
    """The moment that counts, and whether the claim is doubtful."""
    if claim is None:
        return logged, False
    if OLDEST <= claim <= logged + 10 * MINUTE:
        return claim, False
    return logged, True


def span(start, end):
    """Milliseconds between two weighed moments, or None."""
    if start is None or start[1] or end[1]:
        return None
    microseconds = end[0] - start[0]
    whole = abs(microseconds) // 1000
    return whole if microseconds >= 0 or whole == 0 else None


class Cycle:
    def __init__(self, stream, number, contract, motion):
        self.stream, self.number, self.contract, self.motion = stream, number, contract, motion
        self.transition = self.decision = self.acceptance = None
        self.rejections = 0
        self.completed = self.first_completed = None
        self.sent_back = {}
        self.excepted = False

    def take(self, event, fields, package):
        name, logged = event["event"], event["logged_at"]
        if name == "package_changed":
            for field in fields:
                since = self.sent_back.get(field["field"])
                if since is None:
                    continue
                later = field["edited_at"] is not None and field["edited_at"] > since
                if later or field["change"] in ("set", "cleared"):
                    del self.sent_back[field["field"]]
        elif name == "completed":
            self.completed = weigh(event["at"], logged)
            self.first_completed = self.first_completed or self.completed
        elif name == "fell_incomplete":
            self.completed = None
        elif name == "exceptions_granted":
            self.excepted = True
        elif name == "accepted":
            when = weigh(event["at"], logged)
            self.decision = self.decision or (when[0], True)
            waited, total = span(self.completed, when), span(self.first_completed, when)
            self.acceptance = {"at": when[0], "round": event["round"], "waited": waited, "total": total}
            self.sent_back = {}
            self.move_on(when[0], False, package)
        elif name == "rejected":
            when = weigh(event["at"], logged)
            self.decision = self.decision or (when[0], False)
            self.rejections += 1
            self.completed = None
            for field in fields:
                if not (field["edited_at"] is not None and field["edited_at"] > event["at"]):
                    self.sent_back[field["field"]] = event["at"]
        elif name == "bypassed":
            self.move_on(weigh(event["at"], logged)[0], True, package)

    def move_on(self, at, bypassed, package):
        if self.transition is not None:
            return
        whole = not self.excepted and (not bypassed or self.completed is not None)
        if package is None or package["required"] is None:
            filled, required = (1 if whole else 0), 1
        else:
            required = package["required"]
            there = set((package["filled_fields"] or "").split())
            filled = required if whole else len(there - set(self.sent_back))
        self.transition = {"at": at, "bypassed": bypassed, "filled": filled, "required": required}


def ms(microseconds):
    return microseconds // 1000


class Track:
    """Whose turn it was, in milliseconds."""

    def __init__(self, opened, known, waits):
        self.opened, self.known = opened, known
        self.turns = [(opened, False)]
        self.waits = [(opened, waits)] if waits is not None else []
        self.late = []
        self.ended = None

    @staticmethod
    def mark(marks, at, value):
        marks.append((max(at, marks[-1][0]) if marks else at, value))

    def turn(self, at, logged, receiver):
        at = max(at, self.opened)
        self.mark(self.turns, at, receiver)
        unknown = max(at, self.known)
        if logged - unknown > 15 * 60_000:
            self.late.append((unknown, logged))

    def end(self, at):
        self.ended = max(at, self.turns[-1][0])

    def shares(self, system):
        until = max(self.ended, self.opened)
        spans = system + self.late
        cuts = {self.opened, until}
        cuts.update(at for at, _ in self.turns + self.waits)
        for pair in spans:
            cuts.update(pair)
        cuts = sorted(cut for cut in cuts if self.opened <= cut <= until)
        held = {"sender": 0, "receiver": 0, "customer": 0, "system": 0}

        def stands(marks, at):
            return next((value for since, value in reversed(marks) if since <= at), False)

        for start, end in zip(cuts, cuts[1:]):
            if any(low <= start < high for low, high in spans):
                side = "system"
            elif stands(self.waits, start):
                side = "customer"
            else:
                side = "receiver" if stands(self.turns, start) else "sender"
            held[side] += end - start
        return {"until": until, "held": until - self.opened, **held}


class Fold:
    """Everything that the events amount to."""

    def __init__(self, tables):
        self.cycles, self.marks, self.tracks = [], [], defaultdict(dict)
        self.accepted = set()
        self.system = []
        self.running, self.entries = {}, {}
        events = tables.rows(
            "events",
            "position:i index:i logged_at:m stream:t contract:t version:i motion:t cycle:i event:t at:m due:m round:i stage:t entry:t"
            " reason:t ever_accepted:b",
            "position, index",
        )
        fields = defaultdict(list)
        for row in tables.rows("event_fields", "position:i index:i field:t change:t edited_at:m", "position, index, field"):
            fields[row["position"], row["index"]].append(row)
        packages = tables.rows("packages", "position:i required:i filled_fields:t missing_fields:t", "position")
        for row in packages:
            answered, missing = (row["filled_fields"] or "").split(), (row["missing_fields"] or "").split()
            assert row["required"] is None or row["required"] == len(answered) + len(missing), row
        packages = {row["position"]: row for row in packages}
        stages = {}
        for row in tables.rows("contracts", "contract:t version:i customer_stages:t", "position"):
            stages[row["contract"], row["version"]] = set((row["customer_stages"] or "").split())
        edited = None
        for event in events:
            if event["index"] == 0:
                edited = ms(event["logged_at"])
            place = event["position"], event["index"]
            own = fields.get(place, [])
            self.score(event, own, packages.get(event["position"]))
            edited = self.track(event, own, edited, stages.get((event["contract"], event["version"]), set()))
        self.operate(tables)

    def score(self, event, fields, package):
        stream, name = event["stream"], event["event"]
        if name in ("opened", "reopened") or stream not in self.running:
            cycle = Cycle(stream, event["cycle"], event["contract"], event["motion"])
            self.cycles.append(cycle)
            self.running[stream] = cycle
        cycle = self.running[stream]
        assert cycle.number == event["cycle"], event
        self.note(event, cycle)
        cycle.take(event, fields, package)

    def note(self, event, cycle):
        name, logged = event["event"], event["logged_at"]
        never = None
        if name == "accepted":
            self.accepted.add(event["stream"])
            return
        if name == "bypassed":
            if self.entries.get(event["stream"], ()) == event["entry"]:
                return
            self.entries[event["stream"]] = event["entry"]
            kind, claim, never = "bypasses", event["at"], not event["ever_accepted"]
        elif name == "answer_refused":
            kind, claim = "refused_" + event["reason"], event["at"]
        elif name in ("sla_breached", "exceptions_lapsed"):
            kind, claim = {"sla_breached": "overdue"}.get(name, name), event["due"]
        elif name in ("grace_granted", "tampered", "overridden"):
            kind, claim = {"grace_granted": "graces", "tampered": "tampers"}.get(name, "overrides"), event["at"]
        elif name in ("commission_held", "reopened", "voided"):
            kind, claim = {"commission_held": "adjustments"}.get(name, name), None
        else:
            return
        self.marks.append((cycle, weigh(claim, logged)[0], kind, never))

    def track(self, event, fields, edited, stages):
        tracks, name = self.tracks[event["stream"]], event["event"]
        logged = ms(event["logged_at"])

        def believed(claim):
            if claim is None:
                return logged
            return min(ms(weigh(claim, logged * 1000)[0]), logged)

        if name in ("opened", "reopened"):
            before = tracks[max(tracks)].waits if tracks else []
            opened = believed(event["at"]) if name == "opened" else logged
            tracks[event["cycle"]] = Track(opened, logged, before[-1][1] if before else None)
        if name == "package_changed":
            newest = [field["edited_at"] for field in fields if field["edited_at"] is not None]
            edited = believed(max(newest)) if newest else logged
        track = tracks[max(tracks)] if tracks else None
        if track is None or track.ended is not None:
            return edited
        if name in ("completed", "rejected"):
            track.turn(believed(event["at"]), logged, name == "completed")
        elif name == "fell_incomplete":
            track.turn(edited, logged, False)
        elif name in ("accepted", "voided"):
            track.end(believed(event["at"]))
        elif name == "stage_changed":
            waits = event["stage"] in stages
            if (track.waits[-1][1] if track.waits else False) != waits:
                Track.mark(track.waits, max(believed(event["at"]), track.opened), waits)
        return edited

    def operate(self, tables):
        off = None
        for row in tables.rows("system", "position:i logged_at:m what:t on:b since:m", "position"):
            at = ms(row["logged_at"])
            if row["what"] == "started" and row["since"] is not None:
                self.system.append((ms(row["since"]), at))
            elif row["what"] == "switched" and not row["on"]:
                off = at if off is None else off
            elif row["what"] == "switched" and off is not None:
                self.system.append((off, at))
                off = None
        if off is not None:
            self.system.append((off, 2**63 - 1))

    def shares(self, cycle):
        track = self.tracks[cycle.stream].get(cycle.number)
        return track.shares(self.system) if track and track.ended is not None else None


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
    "accepted rejections bypasses bypasses_before_any_acceptance bypasses_never_accepted graces tampers adjustments reopened voided"
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
        """(metric, unit) → (value, met, n, band, provisional)."""
        told = {}
        told["completion_rate", "percent"] = self.rate(self.complete, self.transitions, 90, 70, False)
        told["receiver_acceptance", "percent"] = self.rate(self.first, self.decided, 85, None, self.provisional)
        for name, spans in (("time_to_acceptance", self.waited), ("total_elapsed", self.total)):
            self.times(told, name, spans)
        for name, side in SIDES.items():
            told[name, "milliseconds"] = (Decimal(sum(share[side] for share in self.held)), None, len(self.held), None, False)
        for name, count in self.counts.items():
            told[name, "count"] = (Decimal(count), None, count, None, False)
        return told

    @staticmethod
    def rate(met, n, target, floor, provisional):
        if n == 0:
            return None, met, n, "not_measurable", provisional
        share = Decimal(100 * met) / Decimal(n)
        band = "on_target" if 100 * met >= target * n else "below"
        if floor is not None and 100 * met < floor * n:
            band = "aspirational"
        return hundredths(share), met, n, band, provisional

    @staticmethod
    def times(told, name, spans):
        spans, n = sorted(spans), len(spans)
        middle = last = band = None
        if n:
            # A thousandth of the mean of two whole milliseconds.
            middle = Decimal(spans[(n - 1) // 2] + spans[n // 2]) / 2000
            last = Decimal(spans[-(-9 * n // 10) - 1]) / 1000
            if name == "time_to_acceptance":
                band = "on_target" if middle < 48 * 3600 else "below"
        for figure, seconds, judged in (("median", middle, band), ("p90", last, None)):
            hours = None if seconds is None else hundredths(seconds / 3600)
            told[f"{name}_{figure}", "seconds"] = (seconds, None, n, judged, False)
            told[f"{name}_{figure}", "hours"] = (hours, None, n, judged, False)


def scorecard(fold, by, as_of):
    cells = defaultdict(Cell)

    def each(cycle, at):
        yield cells[cycle.contract, cycle.motion, period(by, at)]
        yield cells[cycle.contract, cycle.motion, None]

    for cycle in fold.cycles:
        if cycle.transition:
            for cell in each(cycle, cycle.transition["at"]):
                filled, required = cycle.transition["filled"], cycle.transition["required"]
                cell.transitions += 1
                cell.complete += required > 0 and filled == required
        if cycle.decision:
            at, accepted = cycle.decision
            for cell in each(cycle, at):
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
    columns = "as_of:m by:t contract:t motion:t period:t metric:t unit:t value:n met:i n:i band:t provisional:b"
    rows = tables.rows("metrics", columns, "as_of")
    newest = max((row["as_of"] for row in rows), default=0)
    told = {}
    for row in rows:
        if row["as_of"] == newest:
            key = tuple(row[name] for name in "by contract motion period metric unit".split())
            assert key not in told, key
            told[key] = tuple(row[name] for name in "value met n band provisional".split())
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
