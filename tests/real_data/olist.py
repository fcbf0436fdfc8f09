"""Counts, outside the daemon, what the closed deals of the Olist funnel hold of handoff 03.

Usage: olist.py FUNNEL_DIRECTORY OUTPUT_DIRECTORY. Writes users.csv and deals.csv (closed deals joined with their lead's first contact)
for the sandbox's loader, and prints one JSON object: per deal the fields that are filled, and the deals that cannot be right.

A text answers its question with at least 15 letters and digits; a name and a date with anything. Only these columns are mapped:
displacement = business segment (name) + lead type and behaviour (text); expansion = business type, segment and lead type (text);
go-live = won date (date) + behaviour (text). The other five fields have no column, so nothing fills them.
"""

import csv
import json
import sys
from pathlib import Path


def informs(text):
    return sum(each.isalnum() for each in text) >= 15


def filled(deal):
    sticky = f"{deal['lead_type']} {deal['lead_behaviour_profile']}"
    growth = f"{deal['business_type']} {deal['business_segment']} {deal['lead_type']}"
    found = {
        "displacement": bool(deal["business_segment"]) and informs(sticky),
        "expansion": informs(growth),
        "go_live": bool(deal["won_date"]) and informs(deal["lead_behaviour_profile"]),
    }
    return sorted(key for key, value in found.items() if value)


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with open(source / "olist_marketing_qualified_leads_dataset.csv", newline="") as file:
        first = {row["mql_id"]: row["first_contact_date"] for row in csv.DictReader(file)}
    with open(source / "olist_closed_deals_until_2018-06.csv", newline="") as file:
        deals = [row | {"first_contact_date": first[row["mql_id"]]} for row in csv.DictReader(file)]
    with open(target / "deals.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(deals[0]))
        writer.writeheader()
        writer.writerows(deals)
    with open(target / "users.csv", "w", newline="") as file:
        people = sorted({row[role] for row in deals for role in ("sdr_id", "sr_id")})
        file.write("id\n" + "".join(f"{person}\n" for person in people))
    print(json.dumps({
        "leads": len(first),
        "filled": {row["mql_id"]: filled(row) for row in deals},
        "one_person": sorted(row["mql_id"] for row in deals if row["sdr_id"] == row["sr_id"]),
        "too_early": sorted(row["mql_id"] for row in deals if row["won_date"] < row["first_contact_date"]),
    }))


main()
