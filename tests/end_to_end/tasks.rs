//! Tasks for people: one per thing that somebody owes, closed when it is done, and never in a gate's way.

use std::collections::BTreeSet;

use handoff_core::handoff::Phase;
use handoff_sandbox_host::Matching;
use handoffd::app::App;
use handoffd::config::Tasks;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::story::{AVA, COMMISSION, INGRID};

/// Nobody's list is shortened or delayed.
fn plenty() -> Tasks {
    Tasks { digest_above: 1_000, max_per_person_and_day: 1_000, ..Tasks::default() }
}

async fn with_tasks(crms: &'static [Kind], tasks: Tasks) -> Governed {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    world.config(|config| config.tasks = Some(tasks));
    world.begin().await.unwrap();
    world
}

/// What was written so far, over all CRMs.
fn written(world: &Governed) -> Vec<(String, u64)> {
    let views = world.handle().view().tasks();
    views.into_iter().flat_map(|view| view.written).collect()
}

on_every_crm!(what_is_owed_is_one_task_that_closes_itself, one_task);

async fn one_task(crms: &'static [Kind]) {
    let world = with_tasks(crms, plenty()).await;
    for kind in crms {
        let deal = world.deal_in(*kind, "Owed");
        world.pass().await;
        let tasks = world.tasks_of(deal);
        let [fill] = tasks.as_slice() else { panic!("{tasks:?}") };
        assert!(fill.open && fill.title.starts_with("Fill the handoff"), "{fill:?}");
        assert!(fill.text.contains("Success criteria"), "{fill:?}");
        assert_eq!(fill.owner, world.owner(*kind, AVA));

        // A part of it changes the words of the same task.
        world.say(
            AVA,
            deal,
            &[("risks", "risks", "Their address data is stored in three systems that disagree")],
        );
        world.pass().await;
        let later = world.tasks_of(deal);
        assert_eq!(later.len(), 1);
        assert!(later[0].open && later[0].key == fill.key && later[0].text != fill.text, "{later:?}");

        world.fill(deal);
        world.pass().await;
        assert_eq!(world.open_tasks(deal).len(), 1);
        let tasks = world.tasks_of(deal);
        let answer = tasks.iter().find(|task| task.open).unwrap();
        assert!(answer.title.starts_with("Accept or reject"), "{answer:?}");
        assert_eq!(answer.owner, world.owner(*kind, INGRID));
        let completed = world.summary(deal).unwrap().completed.unwrap();
        let due = (completed + jiff::SignedDuration::from_hours(48)).strftime("%Y-%m-%d").to_string();
        assert!(answer.due.starts_with(&due), "{answer:?}");

        world.accept(deal);
        world.pass().await;
        assert_eq!(world.open_tasks(deal), Vec::<String>::new());
        assert_eq!(world.tasks_of(deal).len(), 2);
        assert!(world.flag(deal, COMMISSION));
    }
    // Nothing changes any more: not a call about tasks, not an entry.
    let (calls, entries) = (written(&world), world.log().await.len());
    for _ in 0..3 {
        world.pass().await;
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert_eq!((written(&world), world.log().await.len()), (calls, entries));
    world.assert_balanced();
}

on_every_crm!(five_returns_open_and_close_exactly_five_mend_tasks, five_rounds);

async fn five_rounds(crms: &'static [Kind]) {
    let world = with_tasks(crms, plenty()).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Returned")).collect();
    world.pass().await;
    for round in 1..=5_u32 {
        for deal in &deals {
            world.reject(*deal, "risks", "Which system holds the addresses? Ask Mr Secret");
        }
        world.pass().await;
        for deal in &deals {
            assert_eq!(world.phase(*deal), Some(Phase::Rejected));
            let open: Vec<_> = world.tasks_of(*deal).into_iter().filter(|task| task.open).collect();
            let [mend] = open.as_slice() else { panic!("{open:?}") };
            assert!(mend.title.starts_with("Mend the handoff"), "{mend:?}");
            assert_eq!(mend.owner, world.owner(deal.kind, AVA));
            // Exactly the rejected field, and nothing of what anybody wrote.
            let lines = mend.text.replace("<br>", "\n");
            let named: Vec<&str> = lines.lines().filter(|line| line.starts_with("- ")).collect();
            assert_eq!(named.len(), 1, "{mend:?}");
            assert!(!mend.text.contains("Secret"));
            let mended = format!("Addresses live in SAP and in Excel, and SAP wins since round {round}");
            world.say(AVA, *deal, &[("risks", "risks", &mended)]);
        }
        world.pass().await;
        for deal in &deals {
            assert_eq!(world.phase(*deal), Some(Phase::Complete));
        }
    }
    for deal in &deals {
        world.accept(*deal);
    }
    world.pass().await;
    for deal in &deals {
        let tasks = world.tasks_of(*deal);
        let mend: BTreeSet<&str> = tasks
            .iter()
            .filter(|task| task.title.starts_with("Mend"))
            .map(|task| task.key.as_str())
            .collect();
        assert_eq!(mend.len(), 5);
        assert!(tasks.iter().all(|task| !task.open), "{tasks:?}");
        // Six answers were asked for, and the package was whole from the beginning.
        assert_eq!(tasks.len(), 11, "{tasks:?}");
    }
}

on_every_crm!(a_handoff_that_is_off_owes_nobody_anything, off);

async fn off(crms: &'static [Kind]) {
    let mut world = with_tasks(crms, plenty()).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.deal_in(*kind, "Off")).collect();
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.open_tasks(*deal).len(), 1);
        let lost = world.company().to_stage(*deal, "closed_lost");
        world.edit(AVA, *deal, &lost.into());
    }
    // The daemon is away when it happens, and the tasks are older than its memory of what is owed.
    world.restart().await;
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Voided));
        assert_eq!(world.open_tasks(*deal), Vec::<String>::new());
    }
}

on_every_crm!(above_the_threshold_a_person_gets_one_list, one_list);

async fn one_list(crms: &'static [Kind]) {
    let tasks = Tasks { digest_above: 2, ..plenty() };
    let world = with_tasks(crms, tasks).await;
    world.pass().await;
    for kind in crms {
        let before: BTreeSet<String> = world.tasks(*kind).into_iter().map(|task| task.key).collect();
        let deals: Vec<Deal> = (0..4).map(|at| world.deal_in(*kind, &format!("Many {at}"))).collect();
        world.pass().await;
        let fresh: Vec<_> =
            world.tasks(*kind).into_iter().filter(|task| !before.contains(&task.key)).collect();
        assert!(fresh.len() <= 3, "{fresh:?}");
        let list =
            world.tasks(*kind).into_iter().find(|task| task.open && task.title.contains("wait for you"));
        let list = list.unwrap();
        assert!(list.deals.is_empty() && list.owner == world.owner(*kind, AVA));
        for deal in &deals {
            let own = world.open_tasks(*deal).len();
            assert!(own == 1 || list.text.contains(deal.id), "{deal:?}: {list:?}");
        }
    }
}

on_every_crm!(quiet_hours_delay_a_task_and_never_lose_it, quiet);

async fn quiet(crms: &'static [Kind]) {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    let hour = |ahead: i64| {
        let at = world.now() + jiff::SignedDuration::from_hours(ahead);
        at.strftime("%H:%M").to_string()
    };
    let quiet = vec![format!("{}-{}", hour(-1), hour(2))];
    world.config(|config| config.tasks = Some(Tasks { quiet, ..plenty() }));
    world.begin().await.unwrap();
    let deals: Vec<Deal> = crms.iter().map(|kind| world.deal_in(*kind, "Night")).collect();
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.open_tasks(*deal), Vec::<String>::new());
    }
    let waiting: usize =
        world.handle().view().tasks().iter().filter_map(|view| view.waiting.get("quiet")).sum();
    assert!(waiting >= deals.len());
    world.advance(3 * 3_600);
    world.settle().await;
    for deal in &deals {
        assert_eq!(world.open_tasks(*deal).len(), 1);
    }
}

on_every_crm!(tasks_that_the_crm_refuses_are_shown_and_stand_in_no_gates_way, refused);

async fn refused(crms: &'static [Kind]) {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    world.config(|config| config.tasks = Some(plenty()));
    for kind in crms {
        match kind {
            Kind::Salesforce => world.org().remove_field("Task", "Handoff_Obligation_Id__c").unwrap(),
            Kind::Hubspot => {
                world.portal().archive_property("tasks", "handoff_obligation_id", true).unwrap();
            }
        }
    }
    let (config, registry) = (world.configured().clone(), world.registry().unwrap());
    let options = handoffd::app::Options::default();
    let reports = App::check_once(&config, &registry, world.clock().clone(), options).await.unwrap();
    for (connection, report) in reports {
        let findings = report.unwrap().findings;
        let named = findings
            .iter()
            .any(|each| each.error && each.place.to_lowercase().contains("handoff_obligation_id"));
        assert!(named, "{connection}: {findings:?}");
    }
    world.begin().await.unwrap();
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Refused")).collect();
    world.pass().await;
    for view in world.handle().view().tasks() {
        assert!(view.waiting.contains_key("refused") && !view.refusals.is_empty(), "{view:?}");
        assert_eq!(view.open, 0);
    }
    for deal in &deals {
        world.accept(*deal);
    }
    world.pass().await;
    for deal in &deals {
        assert!(world.flag(*deal, COMMISSION));
    }
}

on_every_crm!(while_writing_is_paused_no_task_is_written, paused);

async fn paused(crms: &'static [Kind]) {
    let world = with_tasks(crms, plenty()).await;
    world.handle().pause("test").await.unwrap();
    let deals: Vec<Deal> = crms.iter().map(|kind| world.deal_in(*kind, "Paused")).collect();
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.tasks_of(*deal).len(), 0);
    }
    world.handle().resume("test").await.unwrap();
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.open_tasks(*deal).len(), 1);
    }
}

on_every_crm!(without_the_section_no_task_is_written, off_by_default);

async fn off_by_default(crms: &'static [Kind]) {
    let world = Governed::start(Options { crms, ..Options::default() }).await;
    for kind in crms {
        let deal = world.deal_in(*kind, "Off");
        world.pass().await;
        assert_eq!(world.phase(deal), Some(Phase::Draft));
        assert!(world.tasks(*kind).is_empty());
    }
    assert!(world.handle().view().tasks().is_empty());
}

on_every_crm!(d04_a_task_whose_answer_is_lost_again_and_again_is_one_task, unanswered);

async fn unanswered(crms: &'static [Kind]) {
    let world = with_tasks(crms, plenty()).await;
    world.pass().await;
    for kind in crms {
        match kind {
            Kind::Salesforce => {
                let on = Matching { body: Some("sobjects/Task/".to_owned()), ..Matching::default() };
                let action = handoff_sandbox_salesforce::Action::DropAfter;
                world.org().plant(handoff_sandbox_salesforce::Fault { on, skip: 0, times: 7, action });
            }
            Kind::Hubspot => {
                let on = Matching { path: Some("/tasks/batch/upsert".to_owned()), ..Matching::default() };
                let action = handoff_sandbox_hubspot::Action::DropAfter;
                world.portal().plant(handoff_sandbox_hubspot::Fault { on, skip: 0, times: 7, action });
            }
        }
    }
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Unanswered")).collect();
    for deal in &deals {
        world.accept(*deal);
    }
    for _ in 0..20 {
        world.advance(60);
        world.ride(5).await;
    }
    let later: Vec<Deal> = crms.iter().map(|kind| world.deal_in(*kind, "Answered")).collect();
    for _ in 0..20 {
        world.advance(60);
        world.ride(5).await;
    }
    for (deal, later) in deals.iter().zip(&later) {
        assert!(world.flag(*deal, COMMISSION), "a task never stands in a gate's way");
        assert_eq!(world.open_tasks(*deal), Vec::<String>::new());
        assert_eq!(world.tasks_of(*later).len(), 1);
        let keys: Vec<String> = world.tasks(deal.kind).into_iter().map(|task| task.key).collect();
        assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len());
    }
}
