//! Ninety days, one handoff after the other: where each stands on the way from off over observe to enforce, what is missing for its next step, and
//! what to do this week.
//!
//! A window is an ISO week in UTC that is over, with at least [`FEWEST`] transitions. It is clean when completion is at least 90 %, acceptance on the
//! first answer at least 85 %, and the median time to acceptance under 48 hours. A handoff is proven when its last two windows since it is enforced are
//! clean. The next one is enforced only then: sequence, never in parallel.

use std::collections::BTreeMap;

use handoff_core::contract::Mode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::concrete::audit::Share;
use crate::period::Period;
use crate::practice::{Practice, Type, strength};

#[cfg(test)]
mod tests;
mod week;

/// Fewest transitions of a week that count as a window.
pub const FEWEST: usize = 3;
/// Clean windows in a row that prove a handoff.
const CLEAN: usize = 2;
/// Fewest observed transitions before a handoff is enforced.
const OBSERVED: usize = 5;

/// What the configuration says of the rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// When the ninety days began; `None` = with the first contract in the log.
    pub started: Option<Timestamp>,
    /// The order in which to govern; contracts that are not named come after, as `leaks` has them.
    pub order: Vec<String>,
    /// Contracts by ARR leaked, worst first; empty = nobody knows.
    pub leaks: Vec<String>,
    /// Contract → why it is enforced beside another one that is not proven.
    pub parallel: BTreeMap<String, String>,
    /// The mode that the configuration gives each governed contract now.
    pub modes: BTreeMap<String, Mode>,
    /// The quality weight that is configured, in percent.
    pub weight_percent: rust_decimal::Decimal,
}

/// Where one handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RolloutStanding)]
pub enum Standing {
    /// Nothing is looked at.
    Off,
    /// Looked at, never in anybody's way.
    Observed,
    /// A gate is enforced.
    Enforced,
    /// Enforced, and its last two windows are clean.
    Proven,
}

/// Something that a next step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// What has to be.
    pub what: String,
    /// Whether it is.
    pub met: bool,
    /// What the log says.
    pub evidence: String,
}

/// One week of a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// The ISO week.
    pub week: String,
    /// Transitions with all mandatory fields filled.
    pub completion: Share,
    /// First answers that were acceptances.
    pub acceptance: Share,
    /// The median hours from completion to acceptance, rounded to hundredths; absent = no acceptance.
    #[schema(value_type = Option<String>)]
    pub median_hours: Option<rust_decimal::Decimal>,
    /// Whether all three are on target.
    pub clean: bool,
}

/// One handoff on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Track {
    /// The contract.
    pub contract: String,
    /// Where it stands.
    pub standing: Standing,
    /// Since when a gate is enforced without a break.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub enforced_since: Option<Timestamp>,
    /// Its next step: `observe`, `enforce`, `prove`, or `keep`.
    pub next: String,
    /// What the next step waits for.
    pub conditions: Vec<Condition>,
    /// Its windows, oldest first, the last eight.
    pub windows: Vec<Window>,
}

/// The rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rollout {
    /// The moment up to which it counts.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// When the ninety days began; absent = they have not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// The week of the rollout, from 1; absent = it has not begun.
    pub week: Option<i64>,
    /// The phase that the plan has for this week.
    pub phase: String,
    /// The handoff that is worked on now.
    pub focus: Option<String>,
    /// All handoffs, in the order in which they are governed.
    pub tracks: Vec<Track>,
    /// What goes against the plan.
    pub warnings: Vec<String>,
    /// What to do this week, in order.
    pub this_week: Vec<String>,
}

/// The weeks of the plan.
const PHASES: [(i64, &str); 6] = [
    (2, "weeks 1-2: leak audit"),
    (4, "weeks 3-4: field spec"),
    (6, "weeks 5-6: gating"),
    (8, "weeks 7-8: scorecard live"),
    (10, "weeks 9-10: expand"),
    (12, "weeks 11-12: incentive tune"),
];

/// Where the rollout stands.
pub fn rollout(practice: &Practice, plan: &Plan, as_of: Timestamp) -> Rollout {
    let started = plan.started.or_else(|| first(practice));
    let week = started.filter(|started| *started <= as_of).map(|started| weeks(started, as_of));
    let phase = match week {
        None => "not begun",
        Some(week) => {
            let found = PHASES.iter().find(|(last, _)| week <= *last);
            found.map_or("after the ninety days", |(_, name)| *name)
        }
    };
    let mut contracts: Vec<String> = practice.types.keys().chain(plan.modes.keys()).cloned().collect();
    let place = |contract: &String| {
        let of = |list: &[String]| list.iter().position(|one| one == contract).unwrap_or(list.len());
        (of(&plan.order), of(&plan.leaks), contract.clone())
    };
    contracts.sort_by_key(place);
    contracts.dedup();
    let tracks: Vec<Track> =
        contracts.iter().map(|contract| track(practice, plan, contract, as_of)).collect();
    let focus =
        tracks.iter().find(|track| track.standing != Standing::Proven).map(|track| track.contract.clone());
    let warnings = warnings(practice, plan, &tracks, as_of);
    let this_week = week::this_week(&week::Scene {
        week,
        tracks: &tracks,
        focus: focus.as_deref(),
        plan,
        closed: !practice.closed.is_empty(),
    });
    Rollout { as_of, started, week, phase: phase.to_owned(), focus, tracks, warnings, this_week }
}

fn first(practice: &Practice) -> Option<Timestamp> {
    practice.types.values().flat_map(|of| &of.published).min().copied()
}

fn weeks(started: Timestamp, as_of: Timestamp) -> i64 {
    as_of.duration_since(started).as_hours() / (7 * 24) + 1
}

fn track(practice: &Practice, plan: &Plan, contract: &str, as_of: Timestamp) -> Track {
    let nothing = Type::default();
    let of = practice.types.get(contract).unwrap_or(&nothing);
    let logged = of.modes.last().map_or(Mode::Off, |(_, mode)| *mode);
    // The configuration is newer than the last handoff that was decided under it.
    let mode = plan.modes.get(contract).copied().unwrap_or(Mode::Off);
    let enforced_since = enforced_since(of).filter(|_| mode == Mode::Enforce);
    let mut windows = windows(of, Timestamp::MIN, as_of);
    let since = enforced_since.unwrap_or(Timestamp::MAX);
    let clean = clean_in_a_row(&self::windows(of, since, as_of));
    let standing = match mode {
        Mode::Off => Standing::Off,
        Mode::Observe => Standing::Observed,
        Mode::Enforce if clean >= CLEAN => Standing::Proven,
        Mode::Enforce => Standing::Enforced,
    };
    let (next, conditions) = next(of, standing, clean, logged);
    let from = windows.len().saturating_sub(8);
    Track {
        contract: contract.to_owned(),
        standing,
        enforced_since,
        next: next.to_owned(),
        conditions,
        windows: windows.split_off(from),
    }
}

/// Since when a gate is enforced without a break, as the log tells it.
fn enforced_since(of: &Type) -> Option<Timestamp> {
    let (at, mode) = of.modes.last()?;
    (*mode == Mode::Enforce).then_some(*at)
}

fn next(of: &Type, standing: Standing, clean: usize, logged: Mode) -> (&'static str, Vec<Condition>) {
    let condition =
        |what: &str, met: bool, evidence: String| Condition { what: what.to_owned(), met, evidence };
    match standing {
        Standing::Off => {
            let known = !of.published.is_empty();
            let evidence = format!("{} texts of the contract are in the log", of.published.len());
            ("observe", vec![condition("the contract's text is in force", known, evidence)])
        }
        Standing::Observed => {
            let approved = !of.approved.is_empty();
            let complete = of.passed.iter().filter(|one| one.missing.is_empty()).count();
            let measured = Share::of(complete, of.passed.len());
            let answered = !of.decided.is_empty();
            let conditions = vec![
                condition(
                    "the receiving role approved the fields: it holds the pen",
                    approved,
                    format!("{} texts were approved by the receiving role", of.approved.len()),
                ),
                condition(
                    "the gap is measured: at least 5 transitions were observed",
                    of.passed.len() >= OBSERVED,
                    format!("{} transitions were complete", measured.words()),
                ),
                condition(
                    "the receivers answer: at least one handoff was accepted or sent back",
                    answered,
                    format!("{} handoffs were answered", of.decided.len()),
                ),
            ];
            ("enforce", conditions)
        }
        Standing::Enforced => {
            let evidence = match logged {
                Mode::Enforce => format!("{clean} clean weeks in a row since it is enforced"),
                Mode::Off | Mode::Observe => "no handoff was decided since it is enforced".to_owned(),
            };
            ("prove", vec![condition("the last two windows are clean", clean >= CLEAN, evidence)])
        }
        Standing::Proven => {
            let evidence = format!("{clean} clean weeks in a row");
            ("keep", vec![condition("the last two windows are clean", true, evidence)])
        }
    }
}

/// Weeks that are over and have enough transitions, oldest first.
fn windows(of: &Type, since: Timestamp, as_of: Timestamp) -> Vec<Window> {
    #[derive(Default)]
    struct Cell {
        complete: usize,
        passed: usize,
        accepted: usize,
        decided: usize,
        waited: Vec<i64>,
    }
    let running = Period::Week.of(as_of);
    let week = |at: Timestamp| {
        let name = Period::Week.of(at);
        (at >= since && at <= as_of && name != running).then_some(name)
    };
    let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
    for one in &of.passed {
        let Some(week) = week(one.at) else { continue };
        let cell = cells.entry(week).or_default();
        cell.passed += 1;
        cell.complete += usize::from(one.missing.is_empty());
    }
    for (at, accepted) in &of.decided {
        let Some(week) = week(*at) else { continue };
        let cell = cells.entry(week).or_default();
        cell.decided += 1;
        cell.accepted += usize::from(*accepted);
    }
    for (at, waited) in &of.waited {
        if let Some(week) = week(*at) {
            cells.entry(week).or_default().waited.push(*waited);
        }
    }
    let cells = cells.into_iter().filter(|(_, cell)| cell.passed >= FEWEST);
    let window = |(week, cell): (String, Cell)| {
        let completion = Share::of(cell.complete, cell.passed);
        let acceptance = Share::of(cell.accepted, cell.decided);
        let spread = crate::spread::Spread::of(cell.waited);
        let quick =
            spread.is_some_and(|spread| spread.median_seconds < rust_decimal::Decimal::from(48 * 3_600));
        let clean = completion.reaches(90) && acceptance.reaches(85) && quick;
        Window { week, completion, acceptance, median_hours: spread.map(|spread| spread.median_hours), clean }
    };
    cells.map(window).collect()
}

fn clean_in_a_row(windows: &[Window]) -> usize {
    windows.iter().rev().take_while(|window| window.clean).count()
}

/// Handoffs that were enforced while another one was enforced and not proven.
fn warnings(practice: &Practice, plan: &Plan, tracks: &[Track], as_of: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    let enforced = |track: &&Track| strength(mode_of(track)) == 2;
    let mut begun: Vec<(Timestamp, &str)> = tracks
        .iter()
        .filter(enforced)
        .map(|track| (track.enforced_since.unwrap_or(as_of), track.contract.as_str()))
        .collect();
    begun.sort_unstable();
    for (at, contract) in &begun {
        let unproven = begun.iter().filter(|(other_at, other)| {
            (other_at, other) < (at, contract) && !was_proven(practice, other, *other_at, *at)
        });
        let others: Vec<&str> = unproven.map(|(_, other)| *other).collect();
        if others.is_empty() {
            continue;
        }
        match plan.parallel.get(*contract) {
            Some(why) => warnings.push(format!(
                "{contract} is enforced in parallel with {}, deliberately: {why}",
                others.join(", ")
            )),
            None => warnings.push(format!(
                "{contract} was enforced before {} had two clean weeks: sequence, do not launch in parallel. Put it back to observe, or say why in [rollout.parallel]",
                others.join(", ")
            )),
        }
    }
    for (contract, of) in &practice.types {
        let observed = of.modes.last().filter(|(_, mode)| *mode == Mode::Observe);
        let long = SignedDuration::from_hours(182 * 24);
        if observed.is_some_and(|(since, _)| as_of.duration_since(*since) >= long) {
            warnings.push(format!(
                "{contract} is only observed for two quarters: without a gate what was trained decays"
            ));
        }
    }
    warnings
}

fn mode_of(track: &Track) -> Mode {
    match track.standing {
        Standing::Off => Mode::Off,
        Standing::Observed => Mode::Observe,
        Standing::Enforced | Standing::Proven => Mode::Enforce,
    }
}

/// Whether the contract had two clean windows in a row between these moments.
fn was_proven(practice: &Practice, contract: &str, since: Timestamp, until: Timestamp) -> bool {
    let Some(of) = practice.types.get(contract) else { return false };
    let windows = windows(of, since, until);
    windows.windows(CLEAN).any(|pair| pair.iter().all(|window| window.clean))
}
