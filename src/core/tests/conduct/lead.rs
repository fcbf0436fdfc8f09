//! Handoff 01: a lead of Mara's for Sam; handoff 02: the brief.

use std::collections::BTreeMap;

use handoff_core::beside::words::brief;
use handoff_core::beside::{Copied, Doing};
use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::id::{FieldKey, PartKey};
use handoff_core::observation::Edit;
use handoff_core::value::Value;
use jiff::SignedDuration;

use crate::stage::{Stage, at, choice, date, number, say_all, text};

fn row<const N: usize>(cells: [(&str, Value); N]) -> BTreeMap<String, Value> {
    cells.into_iter().map(|(column, value)| (column.to_owned(), value)).collect()
}

pub(crate) fn lead() -> Stage {
    let mut stage = Stage::new("h01-marketing-to-sdr", "mql", "mara", "sam");
    let name = |text: &str| Value::Name(text.to_owned());
    say_all(
        &mut stage,
        "mara",
        BTreeMap::from([
            ("source.campaign", Value::Record("701A".to_owned())),
            (
                "source.journey",
                Value::List(vec![row([
                    ("asset", name("Route planning guide")),
                    ("seen_on", date("2026-02-27")),
                ])]),
            ),
            (
                "behaviour.pages",
                Value::List(vec![row([("page", name("/pricing")), ("seconds", number(140))])]),
            ),
            ("behaviour.return_visits", number(3)),
            ("behaviour.narrative", text("Came back three times to the pricing page after the webinar")),
            ("icp_match.match", choice("Full")),
            ("icp_match.icp_version", name("2026-1")),
            ("buying_trigger.hypothesis", text("They open two depots in May and plan by hand today")),
            ("buying_trigger.confidence", choice("High")),
            ("motion.playbook", choice("Tier A")),
            ("first_touch.within_hours", number(48)),
        ]),
    );
    stage
}

#[test]
fn the_tier_caps_what_the_package_promises() {
    let mut stage = lead();
    stage.look();
    assert_eq!(stage.handoff().phase, Phase::Complete, "{:?}", stage.missing());
    assert_eq!(stage.verdict().look_again_at, Some(at("2026-03-03T09:00:00Z")), "Tier A: 24 of the 48 hours");
    assert_eq!(stage.until_due(), ["first_touch_missed"]);
    assert!(stage.concerns().contains(&Concern::FirstTouchOverdue));
    stage.wait(1);
    let call = stage.doing("sam");
    stage.beside().activities.push(call);
    assert_eq!(stage.happens(), ["first_touched"]);
    assert!(!stage.concerns().contains(&Concern::FirstTouchOverdue));
}

#[test]
fn neither_marketing_nor_a_machine_touches_first() {
    let mut stage = lead();
    stage.look();
    stage.wait(1);
    let (own, machine) = (stage.doing("mara"), stage.doing("robot"));
    let early = Doing { at: stage.now - SignedDuration::from_hours(48), ..stage.doing("sam") };
    stage.beside().activities.extend([own, machine, early]);
    assert!(stage.happens().is_empty());
    let call = stage.doing("sam");
    stage.beside().activities.push(call);
    assert_eq!(stage.happens(), ["first_touched"]);
}

#[test]
fn a_score_without_context_is_said_aloud() {
    let mut stage = lead();
    stage.beside().scored = true;
    stage.say("mara", "buying_trigger.hypothesis", text("the score was high"));
    stage.look();
    assert!(stage.concerns().contains(&Concern::ScoreWithoutContext));
    assert!(!stage.is_open("routing"));
    stage.say("mara", "buying_trigger.hypothesis", text("They open two depots in May and plan by hand"));
    stage.look();
    assert!(!stage.concerns().contains(&Concern::ScoreWithoutContext));
}

#[test]
fn a_lead_that_comes_straight_back_is_recycled() {
    let mut stage = lead();
    stage.look();
    stage.wait(24 * 14);
    let recycled = Some(stage.now);
    stage.beside().recycled = recycled;
    assert!(stage.happens().contains(&"lead_recycled"));
    assert!(stage.concerns().contains(&Concern::LeadRecycled));
    let mut late = lead();
    late.look();
    late.wait(24 * 14 + 1);
    let recycled = Some(late.now);
    late.beside().recycled = recycled;
    assert!(!late.happens().contains(&"lead_recycled"));
}

#[test]
fn meeting_notes_answer_nothing() {
    let mut stage = Stage::new("h02-sdr-to-ae", "working", "sam", "eric");
    stage.say("sam", "pain.pain", text("Nice call with Jo, will send deck, next step demo in two weeks"));
    stage.say("sam", "pain.anti_pain", text("They are not worried about prices at all this year"));
    stage.beside().copied.insert("pain".into(), Copied::MeetingNotes);
    stage.look();
    assert!(stage.missing().iter().any(|line| line.contains("only repeats the notes of a meeting")));
}

#[test]
fn the_brief_says_what_counts_and_only_after_the_hand_over() {
    let mut stage = lead();
    stage.say("mara", "buying_trigger.hypothesis", text("tbd"));
    stage.look();
    assert_eq!(brief(stage.contract(), stage.handoff()), "", "nothing is handed over yet");
    stage.say("mara", "buying_trigger.hypothesis", text("They open two depots in May and plan by hand"));
    stage.look();
    let screen = brief(stage.contract(), stage.handoff());
    assert!(screen.contains("They open two depots in May"), "{screen}");
    assert!(screen.lines().count() <= 20 && screen.chars().count() <= 2_000);
}

/// Of a field whose history is not kept, a CRM tells no edit: its value looks as if it had been there since the record was created.
#[test]
fn a_text_that_came_after_the_answer_is_not_what_was_accepted() {
    let mut stage = lead();
    let (behaviour, narrative) = (FieldKey::from("behaviour"), PartKey::from("narrative"));
    let created = stage.now;
    let told =
        stage.seen.package.get_mut(&behaviour).and_then(|parts| parts.remove(&narrative)).expect("said");
    stage.seen.edits.insert(behaviour.clone(), Edit { at: created, by: None, from_the_start: true });
    stage.look();
    assert_eq!(stage.handoff().phase, Phase::Draft, "{:?}", stage.missing());
    stage.wait(1);
    stage.accept("sam");
    stage.wait(1);
    stage.seen.package.entry(behaviour.clone()).or_default().insert(narrative, told);
    stage.look();
    assert_eq!(stage.handoff().phase, Phase::Complete);
    assert_eq!(stage.handoff().edits[&behaviour], stage.now, "the latest moment that it can have been");
    stage.wait(1);
    stage.accept("sam");
    stage.look();
    assert_eq!(stage.handoff().phase, Phase::Accepted);
}
