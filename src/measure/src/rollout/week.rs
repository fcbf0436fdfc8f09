//! What to do this week: what the evidence lacks comes before what the calendar says.

use rust_decimal::Decimal;

use super::{Plan, Standing, Track};

/// What it is decided from.
pub(super) struct Scene<'a> {
    pub(super) week: Option<i64>,
    pub(super) tracks: &'a [Track],
    pub(super) focus: Option<&'a str>,
    pub(super) plan: &'a Plan,
    pub(super) closed: bool,
}

pub(super) fn this_week(scene: &Scene<'_>) -> Vec<String> {
    let mut todo = Vec::new();
    if scene.tracks.is_empty() {
        todo.push(
            "Name what is to be governed in [[govern]], with every gate in mode off or observe.".to_owned(),
        );
        return todo;
    }
    if scene.plan.order.is_empty() && scene.plan.leaks.is_empty() {
        todo.push(
            "Run `handoffd leak-audit`, take the handoff that leaks most ARR first, and write the order into [rollout] order."
                .to_owned(),
        );
    }
    let Some(track) = scene.focus.and_then(|focus| scene.tracks.iter().find(|one| one.contract == focus))
    else {
        todo.push(format!(
            "Every governed handoff is proven: keep the weekly look at the scorecard{}.",
            if scene.plan.weight_percent > Decimal::ZERO {
                ""
            } else {
                ", and set a quality weight of 5 to 10 %"
            }
        ));
        incentive(scene, &mut todo);
        return todo;
    };
    let contract = &track.contract;
    let open: Vec<&str> = track
        .conditions
        .iter()
        .filter(|condition| !condition.met)
        .map(|condition| condition.what.as_str())
        .collect();
    match track.standing {
        Standing::Off => todo.push(format!(
            "{contract}: set its gates to observe, so that its gap is measured before anybody is held up."
        )),
        Standing::Observed if open.is_empty() => todo.push(format!(
            "{contract}: everything for enforcing it is there. Announce the date, then set one gate to enforce."
        )),
        Standing::Observed => {
            todo.push(format!("{contract}: before it is enforced: {}.", open.join("; ")));
        }
        Standing::Enforced => {
            let last = track.windows.last().filter(|window| !window.clean);
            match last {
                Some(window) => todo.push(format!(
                    "{contract}: {} was not clean (completion {}, acceptance {}): ask the receivers what they sent back and why, before anything else is enforced.",
                    window.week,
                    window.completion.words(),
                    window.acceptance.words()
                )),
                None => todo.push(format!(
                    "{contract}: look at completion, acceptance and time with both sides every week until two weeks are clean; enforce nothing else meanwhile."
                )),
            }
        }
        Standing::Proven => {}
    }
    if scene.week.is_some_and(|week| week > 10) {
        incentive(scene, &mut todo);
    }
    todo
}

fn incentive(scene: &Scene<'_>, todo: &mut Vec<String>) {
    if !scene.closed {
        todo.push(
            "Close last month's commission statement: it carries the senders' quality factor; show the scoreboard to the senders."
                .to_owned(),
        );
    }
}
