"""Exported tables, and what their events amount to: handoff cycles, marks, and whose turn it was. The definitions stand in recompute.py."""

import glob
import os
import sys
from collections import defaultdict

import duckdb

from people import Answers

MINUTE = 60_000_000
OLDEST = 946_684_800_000_000


class Tables:
    """The exported files, as DuckDB reads them."""

    def __init__(self, folder, ending, until=None):
        self.db = duckdb.connect()
        self.folder, self.ending, self.until = folder, ending, until

    def before(self, until):
        """The same, of nothing but what was logged before this position."""
        return Tables(self.folder, self.ending, until)

    def relation(self, table):
        files = os.path.join(self.folder, table, "*." + self.ending)
        if not glob.glob(files):
            sys.exit(f"{files}: no such file")
        # Of CSV every cell as text; an empty one is nothing.
        csv = f"read_csv('{files}', all_varchar=true, header=true, nullstr='')"
        read = csv if self.ending == "csv" else f"read_parquet('{files}')"
        return read if self.until is None else f"(SELECT * FROM {read} WHERE position::BIGINT < {self.until})"

    def rows(self, table, columns, order):
        """Rows as dictionaries. `name:kind` with kind i (integer), m (moment, as microseconds), d (day), b (flag), n (decimal), t (text)."""
        shown = []
        for column in columns.split():
            name, kind = column.split(":")
            quoted = f'"{name}"'
            cast = {
                "i": f"{quoted}::BIGINT",
                "m": f"epoch_us({quoted}::TIMESTAMPTZ)",
                "d": f"{quoted}::DATE",
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
        self.stream, self.number, self.contract, self.motion, self.opened = stream, number, contract, motion, None
        self.transition = self.decision = self.acceptance = None
        # Who handed over, and who answered, when it was first answered.
        self.parties = (None, None)
        # Whether any of it was worked out afterwards.
        self.past = False
        self.rejections = 0
        self.completed = self.first_completed = None
        self.sent_back = {}
        self.excepted = False

    def take(self, event, fields, package):
        name, logged = event["event"], event["logged_at"]
        sender = (package or {}).get("sender")
        self.past |= bool((package or {}).get("reconstructed"))
        if name in ("accepted", "rejected") and self.decision is None:
            self.parties = (sender, event["by"])
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
            if self.acceptance is None:
                self.acceptance = {"at": when[0], "round": event["round"], "waited": waited, "total": total}
                self.acceptance.update(sender=sender, receiver=event["by"])
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
        untold = (package or {}).get("untold") or 0
        self.transition = {"at": at, "bypassed": bypassed, "filled": filled, "required": required, "untold": untold}
        self.transition["sender"] = (package or {}).get("sender")


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
        # Stream → (connection, record), and → (connection, account) as last named.
        self.record, self.account = {}, {}
        self.answers = Answers()
        events = tables.rows(
            "events",
            "position:i index:i logged_at:m stream:t contract:t version:i motion:t connection:t record:t cycle:i event:t at:m due:m"
            " round:i by:t stage:t entry:t reason:t ever_accepted:b",
            "position, index",
        )
        fields = defaultdict(list)
        for row in tables.rows("event_fields", "position:i index:i field:t change:t edited_at:m", "position, index, field"):
            fields[row["position"], row["index"]].append(row)
        columns = "position:i stream:t account:t sender:t required:i filled_fields:t missing_fields:t reconstructed:b untold:i"
        packages = tables.rows("packages", columns, "position")
        for row in packages:
            answered, missing = (row["filled_fields"] or "").split(), (row["missing_fields"] or "").split()
            assert row["required"] is None or row["required"] == len(answered) + len(missing), row
        named = {row["stream"]: row["account"] for row in packages if row["account"]}
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
            self.answers.take(event, weigh(event["at"], event["logged_at"]), span)
            self.record[event["stream"]] = (event["connection"], event["record"])
            edited = self.track(event, own, edited, stages.get((event["contract"], event["version"]), set()))
        self.account = {stream: (self.record[stream][0], account) for stream, account in named.items()}
        self.operate(tables)

    def score(self, event, fields, package):
        stream, name = event["stream"], event["event"]
        if name in ("opened", "reopened") or stream not in self.running:
            cycle = Cycle(stream, event["cycle"], event["contract"], event["motion"])
            self.cycles.append(cycle)
            self.running[stream] = cycle
        cycle = self.running[stream]
        if name in ("opened", "reopened"):
            cycle.opened = weigh(event["at"] if name == "opened" else None, event["logged_at"])[0]
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
