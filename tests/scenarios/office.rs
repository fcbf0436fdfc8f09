//! What is said to the daemon itself, and what it answers: break-glass, pay, tasks.

use handoff_core::id::GateName;
use handoff_measure::ledger::{Month, Row};
use handoffd::overrides::{Said, Word};
use handoffd::tasks::OwedView;
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::event_names;
use jiff::SignedDuration;

use crate::player::Player;
use crate::script::seconds;

impl Player {
    /// What somebody does at the command line; whether it was that.
    pub(crate) async fn beside_records(&mut self, who: &str, act: &[&str]) -> bool {
        match act {
            ["asks", "to", "override", gate, "for", time, "because", reason] => {
                let time = SignedDuration::from_secs(seconds(time));
                let expires = self.world.now().checked_add(time).unwrap();
                self.break_glass(who, gate, Word::Ask { reason: (*reason).to_owned(), expires }).await;
            }
            ["agrees", "to", "override", gate] => self.break_glass(who, gate, Word::Confirm).await,
            ["closes", "the", "month"] => {
                let month = self.month();
                match self.world.handle().close_period(month, who).await {
                    Ok(closed) => self.said.push(format!("closed {month}: {} files", closed.files.len())),
                    Err(why) => self.said.push(format!("not closed: {why}")),
                }
            }
            _ => return false,
        }
        true
    }

    async fn break_glass(&mut self, who: &str, gate: &str, word: Word) {
        let known = self.known();
        let detail = self.detail(known.scene, known.root()).await.unwrap();
        let stream = detail.summary.stream;
        let said = Said { stream, gate: GateName::from(gate), by: who.to_owned(), word };
        if let Err(why) = self.world.handle().say_override(said).await {
            let told = format!("not taken down: {}", self.plain(&why.to_string()));
            self.said.push(told);
        }
    }

    /// The month before this one on its first day, this one else.
    fn month(&self) -> Month {
        let yesterday = self.world.now().checked_sub(SignedDuration::from_hours(24)).unwrap();
        Month::of(yesterday)
    }

    /// What a line asks to be shown.
    pub(crate) async fn show(&mut self, what: &str, rest: &[&str]) {
        match (what, rest) {
            ("record", []) => {
                let seen = self.on_record(&self.about.clone());
                let told = seen.into_iter().filter(|(_, stands)| !stands.is_empty());
                self.said.extend(told.map(|(what, stands)| format!("{what}: {stands}")));
            }
            ("handoff", []) => {
                let known = self.known();
                let detail = self.detail(known.scene, known.root()).await.unwrap();
                let told = format!("{:?}: {}", detail.summary.phase, detail.summary.status);
                self.said.push(told.to_lowercase());
                let missing = detail.verdict.map(|verdict| verdict.missing).unwrap_or_default();
                let missing: Vec<String> =
                    missing.iter().map(|finding| self.plain(&finding.to_string())).collect();
                self.said.extend(missing.into_iter().map(|finding| format!("missing: {finding}")));
            }
            ("log", []) => {
                let known = self.known();
                let detail = self.detail(known.scene, known.root()).await.unwrap();
                self.said.push(event_names(&detail).join(", "));
            }
            ("package", []) => {
                let known = self.known();
                let detail = self.detail(known.scene, known.root()).await.unwrap();
                let package = detail.state.map(|state| state.package).unwrap_or_default();
                for (field, parts) in package {
                    for (part, sourced) in parts {
                        let value = serde_json::to_value(&sourced.value).unwrap();
                        let told = format!("{field}.{part} from {}: {}", sourced.from, value["value"]);
                        let told = self.plain(&told);
                        self.said.push(told);
                    }
                }
            }
            ("owed", []) => {
                let known = self.known();
                let detail = self.detail(known.scene, known.root()).await.unwrap();
                let words = |row: &OwedView| {
                    let owner = row.owed.owner.id.as_str().trim_start_matches("owner:");
                    self.plain(&format!("{owner}: {}; task: {}", row.owed.title, row.task))
                };
                let told: Vec<String> = detail.owed.iter().map(words).collect();
                self.said.extend(if told.is_empty() { vec!["nothing".to_owned()] } else { told });
            }
            ("commission", []) => {
                let month = Month::of(self.world.now());
                self.commission(month).await;
            }
            ("tasks", []) => {
                let deal = Deal::new(self.face.kind(), self.known().root().record.to_string());
                let tasks = self.world.tasks_of(deal);
                let told: Vec<String> = tasks
                    .iter()
                    .map(|task| {
                        let stands = if task.open { "open" } else { "done" };
                        self.plain(&format!("{stands}, {}: {}", task.owner, task.title))
                    })
                    .collect();
                self.said.extend(told);
                if tasks.is_empty() {
                    self.said.push("no task".to_owned());
                }
            }
            other => panic!("nobody knows how to show {other:?}"),
        }
    }

    async fn commission(&mut self, month: Month) {
        let record = self.known().root().to_string();
        let made = self.world.handle().commission(month).await.unwrap();
        let rows: Vec<Row> = made.statement.rows.into_iter().filter(|row| row.deal == record).collect();
        if rows.is_empty() {
            self.said.push(format!("{month}: nothing"));
        }
        for row in rows {
            let state = serde_json::to_value(row.state).unwrap();
            let amount = row.amount.map(|amount| format!(" {amount}")).unwrap_or_default();
            let currency = row.currency.map(|currency| format!(" {currency}")).unwrap_or_default();
            let number = row.adjustment.map(|number| format!(", adjustment {number}")).unwrap_or_default();
            let why = row.hold_reason.map(|why| format!(": {why}")).unwrap_or_default();
            let told =
                format!("{month}: {}{amount}{currency}{number}{why}", state.as_str().unwrap_or_default());
            let told = self.plain(&told);
            self.said.push(told);
        }
    }
}
