//! One company from its log entries to its audit; what the report's pages are looked at with.

use std::path::PathBuf;

use handoff_core::account::{AccountFacts, Amount};
use handoff_core::contract::ContractRef;
use handoff_core::digest::Digest;
use handoff_core::id::RecordRef;
use handoff_core::journal::LogEntry;
use handoff_measure::account::Accounts;
use handoff_measure::audit::{Audit, Basis, Question, audit};
use handoff_measure::metric::churn::Finding;
use handoff_measure::scorecard::Scorecard;
use jiff::{SignedDuration, Span};
use rust_decimal::Decimal;

use crate::folded::{answered, leaks_at, sound_at};
use crate::simulator::{CONTRACTS, Chance, end, start};

const TEXTS: [&str; 6] = [
    include_str!("../../../../mappings/contracts/h01-marketing-to-sdr.v1.toml"),
    include_str!("../../../../mappings/contracts/h02-sdr-to-ae.v1.toml"),
    include_str!("../../../../mappings/contracts/h03-ae-to-onboarding.v1.toml"),
    include_str!("../../../../mappings/contracts/h04-onboarding-to-cs.v1.toml"),
    include_str!("../../../../mappings/contracts/h05-csm-to-support.v1.toml"),
    include_str!("../../../../mappings/contracts/h06-motion-a-to-motion-b.v1.toml"),
];

/// Of a million, so many leak at each handoff.
const LEAKS: [u64; 6] = [250_000, 180_000, 450_000, 300_000, 100_000, 80_000];

fn entries() -> Vec<LogEntry> {
    let mut chance = Chance::new(6);
    let publish = |(contract, text): (&str, &str)| LogEntry::ContractPublished {
        contract: ContractRef { id: contract.into(), version: 1, digest: Digest::of_bytes(b"") },
        text: text.to_owned(),
        at: start(),
    };
    let mut entries: Vec<LogEntry> = CONTRACTS.into_iter().zip(TEXTS).map(publish).collect();
    for number in 0..420 {
        let account = format!("001{number:04}");
        let began = start() + SignedDuration::from_hours(i64::try_from(chance.below(650 * 24)).unwrap());
        let mut lost = chance.is(70_000);
        for (index, contract) in CONTRACTS.into_iter().enumerate() {
            if chance.is(if index == 5 { 700_000 } else { 60_000 }) {
                continue;
            }
            let when = began + SignedDuration::from_hours(i64::try_from(index * 500).unwrap());
            let record = format!("006{number:04}{index}");
            let leaked = chance.is(LEAKS[index]);
            let hours = i64::try_from(2 + chance.below(90)).unwrap();
            entries.push(if leaked {
                leaks_at(contract, &record, &account, when)
            } else {
                sound_at(contract, &record, &account, when, hours)
            });
            lost |= leaked && chance.is(if index == 2 { 260_000 } else { 40_000 });
            if index == 2 && chance.is(400_000) {
                let day = SignedDuration::from_hours(24);
                let late =
                    u8::try_from(if leaked { 2 + chance.below(6) } else { 6 + chance.below(5) }).unwrap();
                let early = u8::try_from(6 + chance.below(5)).unwrap();
                entries.push(answered(&account, early, &(when - day * 5).to_string()));
                entries.push(answered(&account, late, &(when + day * 6).to_string()));
            }
        }
        let since = began.to_zoned(jiff::tz::TimeZone::UTC).date();
        let days = i64::try_from(60 + chance.below(420)).unwrap();
        let worth = Decimal::from(8_000 + chance.below(70) * 1_000);
        entries.push(LogEntry::AccountSeen {
            account: RecordRef {
                connection: "sf".into(),
                object: "Account".into(),
                record: account.as_str().into(),
            },
            source: "feed/customers".to_owned(),
            facts: AccountFacts {
                arr: chance.is(960_000).then(|| Amount { amount: worth, currency: Some("EUR".to_owned()) }),
                customer_since: Some(since),
                churned_at: lost.then(|| since.saturating_add(Span::new().days(days))),
            },
            at: end(),
        });
    }
    entries
}

fn audited() -> Audit {
    let (mut scorecard, mut accounts) = (Scorecard::new(), Accounts::new());
    for entry in entries() {
        scorecard.apply(&entry);
        accounts.apply(&entry);
    }
    audit(&scorecard, &accounts, &Question::new(end()))
}

#[test]
fn a_company_is_audited_from_its_log_to_the_handoff_to_fix_first() {
    let mut audit = audited();
    let first = audit.first.clone().unwrap();
    assert_eq!(first.contract.as_str(), "h03-ae-to-onboarding");
    let row = audit.row("h03-ae-to-onboarding").unwrap();
    assert_eq!((row.churn_detail.all.finding, row.leak.basis), (Finding::MoreChurn, Basis::Own));
    assert!(row.completion.value.is_some() && row.acceptance.value.is_some() && row.nps.value.is_some());
    assert!(audit.row("h01-marketing-to-sdr").unwrap().nps.value.is_none());
    assert!(audit.preserved.is_some());
    // The pages of the report are tried with this audit; of its records some are enough.
    for row in &mut audit.rows {
        row.nps_detail.records.truncate(2);
        row.churn_detail.records.retain(|each| each.leaked && first.contract == row.contract);
        row.churn_detail.records.truncate(48);
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../daemon/src/report/audit/company.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&audit).unwrap());
    if std::env::var_os("HANDOFFD_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "the audit changed; look at it, then run this test with HANDOFFD_BLESS=1");
}
