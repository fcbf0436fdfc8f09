//! Concrete tests: drawn by the seed, asked in tasks that tell nothing, answered from memory, scored against the package.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use handoff_core::concrete::TestStep;
use handoff_core::handoff::Phase;
use handoff_core::journal::LogEntry;
use handoff_sandbox_hubspot::Act as HubAct;
use handoff_sandbox_salesforce::{Act as OrgAct, Id};
use handoffd::demo::fill;
use handoffd::failpoint;
use handoffd::view::{Detail, Filter};
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::WAIT;
use handoffd_tests::stage::people::{GRACE, NIA};
use handoffd_tests::story::AVA;
use handoffd_tests::task::Task;
use serde_json::json;

use crate::conduct::Play;

const DAY: i64 = 86_400;

impl Play {
    /// The tasks of concrete tests, by whom they ask.
    fn asked(&self, side: &str) -> Vec<Task> {
        let mut tasks = self.world.tasks(self.kind);
        tasks.retain(|task| task.key.starts_with(&format!("test-{side}-")));
        tasks
    }

    async fn tested(&self) {
        self.world.handle().test_now().await.unwrap();
        self.look().await;
    }

    async fn handoff(&self) -> Detail {
        let view = self.world.handle().view();
        let filter = Filter { record: Some(self.root().clone()), ..Filter::default() };
        let summary = view.handoffs(&filter).pop().unwrap();
        view.handoff(&summary.stream).await.unwrap().unwrap()
    }

    /// The daemon goes on in a process of its own that ends, without any clean-up, right behind a durable step; then it is here again.
    async fn dies_behind(&mut self, step: &str) {
        self.world.stop().await;
        let config = self.world.dir().join("config.json");
        std::fs::write(&config, serde_json::to_vec(self.world.configured()).unwrap()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_governed-child"));
        command.env(failpoint::VARIABLE, step).arg(config).arg(self.world.now().to_string());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let ended = async {
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let status = tokio::time::timeout(WAIT, ended).await;
        drop(child.kill());
        assert_eq!(status.unwrap_or_else(|_| panic!("{step} is never reached")).signal(), Some(6), "{step}");
        self.world.begin().await.unwrap();
    }

    /// What the log says of tests, by name.
    async fn steps(&self) -> Vec<TestStep> {
        let entries = self.world.log().await.into_iter().filter_map(|entry| entry.entry);
        let step = |entry| if let LogEntry::Test { step, .. } = entry { Some(step) } else { None };
        entries.filter_map(step).collect()
    }

    /// Somebody writes behind the mark of the first question and ticks the task off.
    fn answers(&self, who: &str, task: &Task, said: &str) {
        self.world.advance(60);
        let text = task.text.replacen("Answer 1:", &format!("Answer 1: {said}"), 1);
        assert_ne!(text, task.text);
        match self.kind {
            Kind::Salesforce => {
                let soql = format!("SELECT Id FROM Task WHERE Handoff_Obligation_Id__c = '{}'", task.key);
                let id = self.world.org().query(&soql).unwrap()[0]["Id"].as_str().unwrap().to_owned();
                let done = json!({ "Description": text, "Status": "Completed" });
                let act = OrgAct::update(who, "Task", Id::parse(&id).unwrap(), &done);
                self.world.org().act(&act).unwrap();
            }
            Kind::Hubspot => {
                let portal = self.world.portal();
                let key = |id: &u64| portal.property("tasks", *id, "handoff_obligation_id");
                let is = |id: &u64| key(id).as_deref() == Some(task.key.as_str());
                let id = portal.ids("tasks").into_iter().find(is).unwrap();
                let done = json!({ "hs_task_body": text, "hs_task_status": "COMPLETED" });
                portal.act(&HubAct::update(who, "tasks", id, done)).unwrap();
            }
        }
    }
}

/// One side's only task, and that it tells nothing of the package.
fn only(play: &Play, side: &str, who: &str) -> Task {
    let tasks = play.asked(side);
    let [task] = tasks.as_slice() else { panic!("{side}: {tasks:?}") };
    assert_eq!(task.owner, play.world.owner(play.kind, who), "{task:?}");
    let told = format!("{} {}", task.title, task.text);
    for value in ["6 months", "Warm", "upkeep", "opens every meeting", GRACE, AVA, "legal first"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
    task.clone()
}

async fn owners(kind: Kind) {
    let mut play = Play::begin(kind, 6, &[]).await;
    play.save(AVA, &fill::accept(&play.mapping, true));
    play.look().await;
    assert_eq!(play.handoff().await.summary.phase, Phase::Accepted);
    // The week is not over: nobody is asked.
    play.tested().await;
    assert_eq!(play.asked("sender"), []);
    play.world.advance(8 * DAY);
    play.tested().await;
    play.tested().await;
    let (sender, receiver) = (only(&play, "sender", GRACE), only(&play, "receiver", AVA));
    assert!(sender.about.is_empty() && receiver.about.is_empty(), "one would read what the other wrote");
    play.answers(GRACE, &sender, "me");
    play.tested().await;
    assert_eq!(play.handoff().await.summary.phase, Phase::Accepted, "one answer contradicts nothing");
    play.world.restart().await;
    play.answers(AVA, &receiver, "That is me, of course");
    play.tested().await;
    let handoff = play.handoff().await;
    assert_eq!(handoff.summary.handoff.cycle, 2, "they contradict each other: it begins again");
    assert_ne!(handoff.summary.phase, Phase::Accepted);
    let steps = play.steps().await;
    let [
        TestStep::Drawn { draw, .. },
        TestStep::Answered { .. },
        TestStep::Answered { .. },
        TestStep::Scored { score, .. },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert!(score.contradicts && draw.population == 1, "{steps:?}");
    // Accepted anew it stays so: the test has said what it had to say.
    play.save(AVA, &fill::accept(&play.mapping, true));
    play.look().await;
    play.world.restart().await;
    play.tested().await;
    let handoff = play.handoff().await;
    assert_eq!((handoff.summary.phase, handoff.summary.handoff.cycle), (Phase::Accepted, 2));
    assert_eq!(play.steps().await.len(), 4);
    assert!(play.asked("sender").iter().chain(&play.asked("receiver")).all(|task| !task.open));
    play.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_apart_who_owns_the_relationship_a_contradiction_reopens_once_salesforce() {
    Box::pin(owners(Kind::Salesforce)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_apart_who_owns_the_relationship_a_contradiction_reopens_once_hubspot() {
    Box::pin(owners(Kind::Hubspot)).await;
}

async fn killed(kind: Kind) {
    let mut play = Play::begin(kind, 6, &[]).await;
    play.save(AVA, &fill::accept(&play.mapping, true));
    play.look().await;
    play.world.advance(8 * DAY);
    play.dies_behind("test_drawn").await;
    play.tested().await;
    let (sender, receiver) = (only(&play, "sender", GRACE), only(&play, "receiver", AVA));
    play.answers(GRACE, &sender, "me");
    play.answers(AVA, &receiver, "That is me, of course");
    play.dies_behind("test_answered").await;
    play.dies_behind("test_scored").await;
    let steps = play.steps().await;
    let [
        TestStep::Drawn { .. },
        TestStep::Answered { side: first, .. },
        TestStep::Answered { side: second, .. },
        TestStep::Scored { score, .. },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert!(first != second && score.contradicts, "{steps:?}");
    // What followed from it was cut off; the next look finds it.
    play.look().await;
    assert_eq!(play.handoff().await.summary.handoff.cycle, 2, "it begins again");
    play.tested().await;
    assert_eq!(play.steps().await.len(), 4, "nothing is said twice");
    let asked = || play.asked("sender").into_iter().chain(play.asked("receiver"));
    assert_eq!(asked().filter(|task| task.open).count(), 0);
    assert_eq!(asked().count(), 2, "nobody is asked twice");
    play.world.assert_balanced();
    play.world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_killed_behind_each_step_of_a_test_it_goes_on_where_it_stood_salesforce() {
    Box::pin(killed(Kind::Salesforce)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_killed_behind_each_step_of_a_test_it_goes_on_where_it_stood_hubspot() {
    Box::pin(killed(Kind::Hubspot)).await;
}

async fn triggers(kind: Kind) {
    let mut play = Play::begin(kind, 1, &[]).await;
    play.world.advance(8 * DAY);
    play.tested().await;
    let task = only(&play, "receiver", NIA);
    assert!(task.about.iter().any(|id| id == play.root().record.as_str()), "{task:?}");
    play.world.restart().await;
    play.answers(NIA, &task, "The score was high");
    play.tested().await;
    let steps = play.steps().await;
    let Some(TestStep::Scored { score, by: None }) = steps.last() else { panic!("{steps:?}") };
    assert_eq!(score.outcome, handoff_core::concrete::TestOutcome::Failed);
    assert_eq!(score.points[0].why, "a score is no trigger");
    // The receiver's lead may see it otherwise, by name.
    let Some(LogEntry::Test { test, .. }) = play
        .world
        .log()
        .await
        .into_iter()
        .filter_map(|entry| entry.entry)
        .find(|entry| matches!(entry, LogEntry::Test { .. }))
    else {
        panic!("no test")
    };
    assert!(!play.world.handle().mark_test("h01-nothing", true, "Ines").await.unwrap());
    assert!(play.world.handle().mark_test(&test, true, "Ines").await.unwrap());
    let steps = play.steps().await;
    let Some(TestStep::Scored { score, by: Some(by) }) = steps.last() else { panic!("{steps:?}") };
    assert_eq!((score.outcome, by.as_str()), (handoff_core::concrete::TestOutcome::Passed, "Ines"));
    play.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_score_was_high_fails_and_a_person_may_overrule_salesforce() {
    Box::pin(triggers(Kind::Salesforce)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_score_was_high_fails_and_a_person_may_overrule_hubspot() {
    Box::pin(triggers(Kind::Hubspot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_in_time_counts_for_nothing_and_its_task_is_closed() {
    let play = Play::begin(Kind::Hubspot, 1, &[]).await;
    play.world.advance(8 * DAY);
    play.tested().await;
    assert!(only(&play, "receiver", NIA).open);
    play.world.advance(4 * DAY);
    play.tested().await;
    let steps = play.steps().await;
    let Some(TestStep::Scored { score, .. }) = steps.last() else { panic!("{steps:?}") };
    assert_eq!(score.outcome, handoff_core::concrete::TestOutcome::Unanswered);
    assert!(play.asked("receiver").iter().all(|task| !task.open));
}
