"""Accounts: what sources tell of them, what their people answered, and where each first went through a handoff of a contract.

crossing     an account's first transition under a contract, in whatever motion; a record's account is the one that it named last. It is of the
             motion and the period of that transition. There are none while nobody tells anything of any account.
answers      of several with the same id the newest counts. 9 and 10 are 100 points, 7 and 8 none, others -100.
facts        each source's newest word; of several sources that tell a fact, the one that spoke last.
"""

from datetime import datetime, timezone
from fractions import Fraction

from figures import NOTHING, mean, rate

DAYS_14 = 14 * 24 * 3600 * 1_000_000

# Per account the sums of its points around each crossing; DuckDB joins.
VOICES = """
WITH answers AS (
    SELECT connection, account, epoch_us(answered_at::TIMESTAMPTZ) AS told,
        CASE WHEN score::BIGINT >= 9 THEN 100 WHEN score::BIGINT >= 7 THEN 0 ELSE -100 END AS points
    FROM {surveys}
    QUALIFY row_number() OVER (PARTITION BY connection, account, answer ORDER BY position::BIGINT DESC) = 1
)
SELECT c.number,
    count(*) FILTER (a.told < c.moment AND a.told >= c.moment - {weeks}), sum(points) FILTER (a.told < c.moment AND a.told >= c.moment - {weeks}),
    count(*) FILTER (a.told >= c.moment AND a.told < c.moment + {weeks}), sum(points) FILTER (a.told >= c.moment AND a.told < c.moment + {weeks})
FROM crossings c JOIN answers a USING (connection, account)
GROUP BY c.number
"""

FACTS = """
WITH newest AS (
    SELECT connection, account, position::BIGINT AS position, churned_at::DATE AS gone
    FROM {accounts}
    QUALIFY row_number() OVER (PARTITION BY connection, account, source ORDER BY position::BIGINT DESC) = 1
)
SELECT connection, account, arg_max(gone, position) FILTER (gone IS NOT NULL) FROM newest GROUP BY ALL
"""


def date(at):
    return datetime.fromtimestamp(at // 1_000_000, timezone.utc).date()


class Accounts:
    def __init__(self, tables, fold):
        accounts, surveys = tables.relation("accounts"), tables.relation("surveys")
        self.left = {(one, other): gone for one, other, gone in tables.db.execute(FACTS.format(accounts=accounts)).fetchall()}
        answered = tables.db.execute(f"SELECT count(*) FROM {surveys}").fetchone()[0]
        self.crossings = list(self.first(fold).values()) if self.left or answered else []
        tables.db.execute("CREATE TEMP TABLE crossings (number BIGINT, connection VARCHAR, account VARCHAR, moment BIGINT)")
        if self.crossings:
            rows = [(number, *each["account"], each["at"]) for number, each in enumerate(self.crossings)]
            tables.db.executemany("INSERT INTO crossings VALUES (?, ?, ?, ?)", rows)
        heard = tables.db.execute(VOICES.format(surveys=surveys, weeks=DAYS_14)).fetchall()
        for number, early, before, late, after in heard:
            self.crossings[number]["voices"] = (early, before, late, after)

    @staticmethod
    def first(fold):
        first = {}
        for cycle in fold.cycles:
            account = fold.account.get(cycle.stream)
            if cycle.transition is None or account is None:
                continue
            key = (cycle.contract, account)
            place = (cycle.transition["at"], cycle.stream, cycle.number)
            if key not in first or place < first[key]["place"]:
                first[key] = {
                    **cycle.transition,
                    "place": place,
                    "line": (cycle.contract, cycle.motion),
                    "account": account,
                    "voices": (0, None, 0, None),
                }
        return first

    @staticmethod
    def nps(contract, crossings, as_of):
        """Metric 5."""
        if contract.startswith(("h01", "h02")):
            return NOTHING
        differences, missing, is_open = [], 0, False
        for crossing in crossings:
            early, before, late, after = crossing["voices"]
            is_open |= as_of - crossing["at"] < DAYS_14
            if early and late:
                differences.append(Fraction(after, late) - Fraction(before, early))
            else:
                missing += 1
        return mean(differences, is_open, missing)

    def churn(self, crossings, as_of):
        """Metric 6: of churned accounts, those whose transition had less than 70 % of its fields."""
        leaked = churned = retained = left_out = 0
        for crossing in crossings:
            if crossing["account"] not in self.left:
                left_out += 1
                continue
            gone = self.left[crossing["account"]]
            gone = gone if gone is not None and gone <= date(as_of) else None
            if gone is not None and gone < date(crossing["at"]):
                continue
            if crossing["untold"]:
                left_out += 1
            elif gone is None:
                retained += 1
            else:
                churned += 1
                leaked += 100 * crossing["filled"] < 70 * crossing["required"]
        if churned < 10:
            met = leaked if churned else None
            return None, met, churned, "not_measurable", retained > 0, None, None, None, left_out
        return rate(leaked, churned, None, retained > 0, left_out=left_out)
