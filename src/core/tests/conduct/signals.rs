//! One signal, one action per motion.

use handoff_core::id::MotionId;
use handoff_core::motion::{SignalError, SignalTable, actions};
use proptest::prelude::*;

const TABLE: &str = r#"
motions = ["a", "b"]

[signal.champion_departed]
title = "The champion left"

[[signal.champion_departed.action.a]]
role = "account_executive"
title = "Win the champion's peer"

[[signal.champion_departed.action.b]]
role = "programme_director"
title = "Call the director of the programme director"
"#;

#[test]
fn each_motion_has_its_own_action() {
    let table = SignalTable::read("signals.toml", TABLE).expect("reads");
    let role = |motion: &str| {
        actions(&table, "champion_departed", &MotionId::from(motion)).map(|all| all[0].role.clone())
    };
    assert_eq!(role("a"), Ok("account_executive".to_owned()));
    assert_eq!(role("b"), Ok("programme_director".to_owned()));
    assert!(matches!(role("c"), Err(SignalError::MissingCell { .. })));
    assert!(matches!(actions(&table, "champion_left", &"a".into()), Err(SignalError::UnknownSignal { .. })));
}

#[test]
fn a_missing_cell_is_found_when_the_file_is_read() {
    let text = TABLE.replace("[[signal.champion_departed.action.b]]\nrole = \"programme_director\"\ntitle = \"Call the director of the programme director\"\n", "");
    let problems = SignalTable::read("signals.toml", &text).expect_err("a hole");
    assert!(problems.iter().any(|problem| problem.message.contains("no action for motion")), "{problems:?}");
    let text = TABLE.replace("action.b", "action.c");
    let problems = SignalTable::read("signals.toml", &text).expect_err("another motion");
    assert!(problems.iter().any(|problem| problem.message.contains("there is no motion")), "{problems:?}");
    assert!(SignalTable::read("signals.toml", &TABLE.replace("role", "rolle")).is_err(), "strict");
}

proptest! {
    #[test]
    fn no_motion_ever_gets_anothers_action(motion in "[a-z_]{1,12}", signal in "[a-z_]{1,20}") {
        let table = SignalTable::read("signals.toml", TABLE).expect("reads");
        let motion = MotionId::from(motion.as_str());
        if let Ok(found) = actions(&table, &signal, &motion) {
            let own = &table.signal[&signal].action[&motion];
            prop_assert_eq!(found, own.as_slice());
        }
    }
}
