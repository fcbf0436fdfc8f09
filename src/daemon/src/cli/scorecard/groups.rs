//! People and teams, the running month, and what decays.

use std::fmt::Write as _;

use handoff_measure::decay::{Decay, Trend};
use handoff_measure::live::Live;
use handoff_measure::metric::Slice;
use handoff_measure::people::{People, Side};

use super::super::exit::{Exit, Failure};
use super::super::output::{Output, plain};
use super::{ask, figure, tell};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::numbers::teams;

pub(super) async fn people(config: &Config, period: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let name = period.unwrap_or("all");
    let slice = Slice::named(name).filter(|slice| !matches!(slice, Slice::Week(_)));
    let Some(slice) = slice else {
        return Err(Failure::new(Exit::Usage, "--period is a month, like 2026-10".to_owned()));
    };
    let (teams, now) = (teams(config), SystemClock.now());
    let path = format!("api/v1/scorecard/people?period={name}");
    let found: People = ask(config, &path, |standing| standing.scorecard.people(slice, &teams, now)).await?;
    Ok(tell(&found, render_people, output))
}

fn render_people(people: &People) -> String {
    let mut text = String::new();
    for row in &people.rows {
        let side = match row.side {
            Side::Sender => "sender",
            Side::Receiver => "receiver",
            Side::SendingTeam => "sending team",
            Side::ReceivingTeam => "receiving team",
        };
        let who = plain(&format!("{} / {} / {side} {}", row.contract, row.motion, row.who));
        let _ =
            writeln!(text, "{who}: {} decided, {} accepted", row.throughput.decided, row.throughput.accepted);
        for each in &row.figures {
            let _ = writeln!(text, "  {}: {}", each.metric.title(), figure(Some(each)));
        }
    }
    let _ = writeln!(
        text,
        "{} more with fewer than {} handoffs: no number of theirs is told",
        people.withheld, people.minimum_n
    );
    text
}

pub(super) async fn live(config: &Config, output: Output) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let found: Vec<Live> =
        ask(config, "api/v1/scorecard/live", |standing| standing.scorecard.live(now)).await?;
    Ok(tell(&found, |found| render_live(found), output))
}

fn render_live(found: &[Live]) -> String {
    let line = |live: &Live| plain(&format!("{} / {}  {live}", live.contract, live.motion)) + "\n";
    if found.is_empty() { "no handoff yet\n".to_owned() } else { found.iter().map(line).collect() }
}

pub(super) async fn decay(config: &Config, output: Output) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let found: Vec<Decay> =
        ask(config, "api/v1/scorecard/decay", |standing| standing.scorecard.decay(now, true)).await?;
    Ok(tell(&found, |found| render_decay(found), output))
}

fn render_decay(found: &[Decay]) -> String {
    if found.is_empty() {
        return "every handoff has an enforced gate\n".to_owned();
    }
    let mut text = String::new();
    for decay in found {
        let _ = writeln!(text, "{}", plain(&format!("{} / {}", decay.contract, decay.motion)));
        for quarter in &decay.quarters {
            let figures: Vec<String> = quarter
                .figures
                .iter()
                .map(|each| format!("{} {}", each.metric.title(), figure(Some(each))))
                .collect();
            let _ = writeln!(
                text,
                "  {}  {}; {} accepted",
                quarter.name,
                figures.join(", "),
                quarter.throughput.accepted
            );
        }
        for change in &decay.changes {
            let words = match change.trend {
                Trend::Decays => "decays",
                Trend::Improves => "improves",
                Trend::NoClearChange => "no clear change",
                Trend::NotMeasurable => "not measurable",
            };
            let points = change
                .points
                .zip(change.low.zip(change.high))
                .map_or_else(String::new, |(points, (low, high))| {
                    format!(" by {points:+} points [{low}..{high}]")
                });
            let _ = writeln!(text, "  {} {words}{points}", change.metric.title());
        }
    }
    text
}
