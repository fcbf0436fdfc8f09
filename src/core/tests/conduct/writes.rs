//! Words on records: the block of an escalation in a field that several share, and texts that only repeat others.

use handoff_core::escalation::{block, in_place, resembles};
use proptest::prelude::*;

use crate::escalation::taken;

#[test]
fn the_echo_says_what_the_sender_can_tell_the_customer() {
    let mut stage = taken();
    stage.look();
    let path = stage.handoff().beside.return_path.as_deref().expect("began").clone();
    let told = block("500A", &path, &path.status);
    assert!(told.starts_with("▸ 500A: Escalated\n"), "{told}");
    assert!(told.contains("answer promised by 2026-03-05"), "{told}");
    stage.wait(1);
    stage.status("sue", "In Progress", false);
    stage.look();
    let path = stage.handoff().beside.return_path.as_deref().expect("began");
    assert_ne!(block("500A", path, &path.status), told, "every change is echoed");
    assert!(block("500A", path, "With\nSupport").starts_with("▸ 500A: With Support\n"), "as people see it");
    assert!(resembles(&format!("FYI: {told}"), &told), "a copy of the echo is recognised");
}

#[test]
fn copied_words_are_recognised_and_own_ones_are_not() {
    let own = "Waiting for the receiver to accept or reject";
    assert!(resembles("waiting for the receiver to accept, or reject!", own));
    assert!(resembles("Hi, waiting for the receiver to accept or reject", own));
    assert!(!resembles("Their planners cannot print tomorrow's routes", own));
    assert!(!resembles(
        "The receiver is waiting: planners of two plants cannot print anything since nine",
        own
    ));
    assert!(!resembles("", ""));
    assert!(!resembles("  ", own));
}

fn name() -> impl Strategy<Value = String> {
    "500[A-Z]{1,3}"
}

proptest! {
    #[test]
    fn a_block_takes_its_place_once_and_leaves_the_others(
        names in prop::collection::btree_set(name(), 1..6), stood in "[a-z \n]{0,80}", text in "[a-zA-Z ;.]{0,60}"
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let mut field = stood.clone();
        for name in &names {
            field = in_place(&field, name, Some(&format!("▸ {name}: one\n{text}"))).expect("fits");
        }
        let own = format!("▸ {}: two\n{text}", names[0]);
        let changed = in_place(&field, &names[0], Some(&own)).expect("fits");
        prop_assert_eq!(in_place(&changed, &names[0], Some(&own)).expect("fits"), changed.clone(), "quiet");
        for name in names.iter().skip(1) {
            let other = format!("▸ {name}: one");
            prop_assert!(changed.contains(&other));
        }
        let mut emptied = changed;
        for name in &names {
            emptied = in_place(&emptied, name, None).expect("fits");
        }
        prop_assert!(!emptied.contains('▸'));
    }

    #[test]
    fn a_text_resembles_itself_and_no_text_panics(text in "\\PC{0,200}", other in "\\PC{0,200}") {
        let says = text.chars().any(char::is_alphanumeric);
        prop_assert_eq!(resembles(&text, &text), says);
        let _ = resembles(&text, &other);
    }
}
