//! The receiver's clock: reminders to him, then somebody above him.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::story::{COMMISSION, INGRID, MARCO};

use crate::crm::{contract, interrupted, none, one, open, plenty};

const HOUR: i64 = 3_600;
const LADDER: (&str, &str) = (
    "accept_within_hours = 48",
    "accept_within_hours = 8\nremind_after = [\"4h\", \"6h\"]\nescalate_after = \"10h\"\nescalate_to = \"onboarding_manager\"",
);

async fn company(crms: &'static [Kind], manager: &str) -> Governed {
    let options = Options { crms, files: vec![contract(&[LADDER])], ..Options::default() };
    let mut world = Governed::prepare(options).await;
    world.config(|config| {
        config.tasks = Some(plenty());
        config.people.roles.insert("onboarding_manager".to_owned(), vec![manager.to_owned()]);
    });
    world.begin().await.unwrap();
    world
}

on_every_crm!(each_step_of_the_ladder_is_one_task_and_the_answer_closes_all, ladder);

async fn ladder(crms: &'static [Kind]) {
    let mut world = company(crms, MARCO).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "By the clock")).collect();
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        one(&world, *kind, deal.id, "answer", INGRID);
        none(&world, *kind, deal.id, "reminder");
    }
    interrupted(&mut world, crms, 4 * HOUR).await;
    let mut first = Vec::new();
    for (kind, deal) in crms.iter().zip(&deals) {
        let reminder = one(&world, *kind, deal.id, "reminder", INGRID);
        assert!(reminder.title.starts_with("Reminder: accept or reject"), "{reminder:?}");
        first.push(reminder.key);
        none(&world, *kind, deal.id, "escalation");
    }
    world.advance(2 * HOUR);
    world.settle().await;
    for ((kind, deal), first) in crms.iter().zip(&deals).zip(&first) {
        assert_ne!(
            one(&world, *kind, deal.id, "reminder", INGRID).key,
            *first,
            "the next step is another task"
        );
    }
    interrupted(&mut world, crms, 4 * HOUR).await;
    for (kind, deal) in crms.iter().zip(&deals) {
        let above = one(&world, *kind, deal.id, "escalation", MARCO);
        assert!(above.title.starts_with("Overdue"), "{above:?}");
        one(&world, *kind, deal.id, "answer", INGRID);
        let owed = world.detail(*deal).await.owed;
        let told: Vec<(&str, &str)> = owed.iter().map(|row| (row.owed.kind.as_str(), row.task)).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().all(|(_, task)| *task == "open"), "{told:?}");
        world.accept(*deal);
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(world.flag(*deal, COMMISSION), "late is not never");
        for stands_for in ["answer", "reminder", "escalation"] {
            none(&world, *kind, deal.id, stands_for);
        }
        assert!(world.detail(*deal).await.owed.is_empty());
    }
    let entries = world.log().await.len();
    for _ in 0..3 {
        world.pass().await;
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert_eq!(world.log().await.len(), entries, "quiet");
    world.assert_balanced();
}

on_every_crm!(a_role_that_nobody_holds_is_told_to_the_admin_and_filled_later, vacant);

async fn vacant(crms: &'static [Kind]) {
    let manager = "later@northwind-peak.example";
    let world = company(crms, manager).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Nobody above")).collect();
    world.pass().await;
    world.advance(10 * HOUR);
    world.settle().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert_eq!(world.phase(*deal), Some(Phase::Complete));
        none(&world, *kind, deal.id, "escalation");
        let views = world.handle().view().tasks();
        let view = views.iter().find(|view| view.connection.as_str() == kind.connection()).unwrap();
        assert_eq!(view.vacant.iter().map(String::as_str).collect::<Vec<_>>(), ["onboarding_manager"]);
        assert!(view.waiting.contains_key("nobody"), "{view:?}");
        let owed = world.detail(*deal).await.owed;
        let above = owed.iter().find(|row| row.owed.role.is_some()).unwrap();
        assert_eq!(above.task, "nobody");
    }
    for vendor in world.company().vendors() {
        vendor.hire(manager, handoffd_tests::crm::Duty::Receives);
    }
    world.advance(11 * 60);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        one(&world, *kind, deal.id, "escalation", manager);
        assert_eq!(open(&world, *kind, deal.id, "escalation").len(), 1);
    }
    assert!(world.handle().view().tasks().iter().all(|view| view.vacant.is_empty()));
}
