"""How fast DuckDB answers what the scorecard answers: completion, acceptance, time to acceptance of one contract, motion and month.

    speed.py DIR [--queries N] [--json]          DIR as `handoffd export --out DIR` wrote it; prints milliseconds: median, 99th percentile, worst

Two ways: over the Parquet files as they lie there, and over a table that was loaded from them, sorted by contract, motion and time. The numbers of
every query are computed, not looked up.
"""

import argparse
import json
import os
import time

import duckdb

QUERY = """
SELECT
    count(*) FILTER (moved) AS transitions,
    count(*) FILTER (moved AND required > 0 AND filled = required) AS complete,
    count(*) FILTER (decided) AS answers,
    count(*) FILTER (decided AND first_pass) AS first_pass,
    count(waited_ms) FILTER (accepted) AS n,
    quantile_cont(waited_ms, 0.5) FILTER (accepted) AS median_ms,
    quantile_disc(waited_ms, 0.9) FILTER (accepted) AS p90_ms,
    sum(sender_ms) FILTER (accepted) AS sender_ms,
    sum(receiver_ms) FILTER (accepted) AS receiver_ms,
    sum(customer_ms) FILTER (accepted) AS customer_ms,
    sum(system_ms) FILTER (accepted) AS system_ms
FROM (
    SELECT *,
        transition_at >= $first AND transition_at < $next AS moved,
        decided_at >= $first AND decided_at < $next AS decided,
        accepted_at >= $first AND accepted_at < $next AS accepted
    FROM {source}
    WHERE contract = $contract AND motion = $motion
)
"""


def measure(db, name, source, asked):
    took = []
    for cell in asked:
        start = time.perf_counter()
        db.execute(QUERY.format(source=source), cell).fetchall()
        took.append(1000 * (time.perf_counter() - start))
    took.sort()
    last = took[-(-99 * len(took) // 100) - 1]
    return {"name": name, "median_ms": took[len(took) // 2], "p99_ms": last, "worst_ms": took[-1]}


def main():
    parser = argparse.ArgumentParser(description="Times the scorecard's query in DuckDB.")
    parser.add_argument("folder")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    files = f"read_parquet('{os.path.join(asked.folder, 'handoffs', '*.parquet')}')"
    rows = db.execute(f"SELECT count(*) FROM {files}").fetchone()[0]
    cells = db.execute(
        f"SELECT DISTINCT contract, motion, strftime(date_trunc('month', accepted_at), '%Y-%m-%d'),"
        f" strftime(date_trunc('month', accepted_at) + INTERVAL 1 MONTH, '%Y-%m-%d')"
        f" FROM {files} WHERE accepted_at IS NOT NULL ORDER BY ALL"
    ).fetchall()
    cells = [
        {"contract": contract, "motion": motion, "first": first + "T00:00:00Z", "next": after + "T00:00:00Z"}
        for contract, motion, first, after in cells
    ]
    if not cells:
        raise SystemExit("no cycle was accepted: nothing to ask for")
    wanted = [cells[number % len(cells)] for number in range(asked.queries)]
    ways = [measure(db, "over the Parquet files", files, wanted)]
    db.execute(f"CREATE TABLE loaded AS SELECT * FROM {files} ORDER BY contract, motion, accepted_at")
    ways.append(measure(db, "over a table loaded and sorted", "loaded", wanted))
    if asked.json:
        print(json.dumps(ways))
        return
    print(f"DuckDB {duckdb.__version__}, {rows} cycles, {len(cells)} cells, {len(wanted)} queries")
    for way in ways:
        print("{name:<40} median {median_ms:>9.2f} ms   p99 {p99_ms:>9.2f} ms   worst {worst_ms:>9.2f} ms".format(**way))


if __name__ == "__main__":
    main()
