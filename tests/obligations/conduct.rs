//! The return path of an escalation, the shared account, signals, and the first touch.

use handoff_core::id::RecordRef;
use handoff_core::mapping::Mapping;
use handoffd::demo::fill;
use handoffd_tests::crm::{HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::stage;
use handoffd_tests::stage::face::{Cast, Face, Fields, Talk, Way, perform, refer};
use handoffd_tests::stage::govern::govern;
use handoffd_tests::stage::people::{GRACE, NIA, SUNIL};
use handoffd_tests::stage::table::{ROOT, Scene};
use handoffd_tests::story::{AVA, MARCO};
use serde_json::Value;

use crate::crm::{lose_answers, none, one, open, plenty};

const HOUR: i64 = 3_600;

/// One handoff in one CRM.
pub(crate) struct Play {
    pub(crate) world: Governed,
    face: &'static dyn Face,
    pub(crate) kind: Kind,
    scene: Scene,
    cast: Cast,
    pub(crate) mapping: Mapping,
}

impl Play {
    pub(crate) async fn begin(kind: Kind, number: u8, roles: &[(&str, &str)]) -> Self {
        let crms = match kind {
            Kind::Salesforce => SALESFORCE,
            Kind::Hubspot => HUBSPOT,
        };
        let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
        let (face, scene) = (stage::face(kind), stage::scene(kind, number));
        govern(face, &mut world, &[&scene]);
        face.prepare(&world);
        let begins = world.now() + jiff::SignedDuration::from_secs(30);
        world.config(|config| {
            // What the company had before is none of ours.
            config.govern.iter_mut().for_each(|govern| govern.governed_since = Some(begins));
            config.tasks = Some(plenty());
            config.tests = Some(handoffd::config::Tests::default());
            for (role, login) in roles {
                config.people.roles.entry((*role).to_owned()).or_default().push((*login).to_owned());
            }
        });
        let mapping = world.registry().unwrap().mapping(scene.mapping).unwrap().clone();
        assert!(mapping.write.task.is_some() && mapping.beside.is_some(), "{}", scene.mapping);
        world.begin().await.unwrap();
        world.advance(60);
        let cast = perform(face, &world, &scene.made, &Cast::new()).unwrap();
        let mut play = Self { world, face, kind, scene, cast, mapping };
        play.interrupted().await;
        play
    }

    pub(crate) fn root(&self) -> &RecordRef {
        &self.cast[ROOT]
    }

    fn about(&self) -> &str {
        self.root().record.as_str()
    }

    pub(crate) fn save(&self, who: &str, fields: &Fields) {
        self.world.advance(60);
        self.face.save(&self.world, who, Way::Page, self.root(), fields).unwrap();
    }

    /// Somebody writes a part where the scene has it.
    fn write(&self, who: &str, field: &str, part: &str, value: &str) {
        let part = self.scene.parts.iter().find(|each| each.field == field && each.part == part).unwrap();
        let (on, column) = part.place().unwrap();
        let value = refer(self.face, &self.world, &self.cast, &Value::from(value)).unwrap();
        let fields = Fields::from_iter([(column.to_owned(), value)]);
        self.world.advance(60);
        self.face.save(&self.world, who, Way::Page, &self.cast[on], &fields).unwrap();
    }

    /// Somebody writes a field of the record itself.
    fn put(&self, who: &str, field: &str, value: impl Into<Value>) {
        self.save(who, &Fields::from_iter([(field.to_owned(), value.into())]));
    }

    /// A call is logged, and the record is touched, so that it is looked at.
    fn call(&self, who: &str) {
        self.world.advance(60);
        self.face.talk(&self.world, who, self.root(), Talk::Call).unwrap();
        self.world.advance(60);
    }

    pub(crate) async fn look(&self) {
        self.world.advance(30);
        self.world.handle().sweep_now().await.unwrap();
        self.world.settle().await;
    }

    async fn wait(&self, hours: i64) {
        self.world.advance(hours * HOUR);
        self.look().await;
    }

    fn one(&self, stands_for: &str, who: &str) {
        one(&self.world, self.kind, self.about(), stands_for, who);
    }

    fn none(&self, stands_for: &str) {
        none(&self.world, self.kind, self.about(), stands_for);
    }

    /// The next calls about tasks lose their answers, and the daemon ends before it learns what became of them.
    async fn interrupted(&mut self) {
        lose_answers(&self.world, self.kind, 2);
        self.world.advance(30);
        self.world.ride(5).await;
        self.world.restart().await;
        self.world.ride(5).await;
    }
}

macro_rules! in_each_crm {
    ($name:ident, $body:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn salesforce() {
                super::$body(handoffd_tests::crm::Kind::Salesforce).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn hubspot() {
                super::$body(handoffd_tests::crm::Kind::Hubspot).await;
            }
        }
    };
}

in_each_crm!(what_an_escalation_is_owed_is_a_task_each_and_ends_with_what_is_done, escalation);

async fn escalation(kind: Kind) {
    // The date that the scene brings along is the CSM's own: it acknowledges nothing.
    let mut play = Play::begin(kind, 5, &[("support_director", MARCO)]).await;
    play.one("ack", SUNIL);
    play.none("escalation");
    play.wait(9).await;
    play.one("ack", SUNIL);
    play.one("escalation", MARCO);
    play.write(SUNIL, "acknowledgement", "eta", "2026-12-05");
    play.look().await;
    play.none("ack");
    play.none("escalation");
    play.save(SUNIL, &fill::accept(&play.mapping, true));
    play.look().await;
    // Nothing is heard when news is due.
    play.wait(25).await;
    play.wait(25).await;
    play.one("echo", SUNIL);
    play.one("escalation", MARCO);
    play.world.advance(60);
    play.face.talk(&play.world, SUNIL, play.root(), Talk::Inside).unwrap();
    play.wait(25).await;
    play.none("echo");
    let status = play.mapping.beside.clone().unwrap().status.unwrap();
    play.put(SUNIL, &status.field, status.resolved[0].clone());
    play.interrupted().await;
    play.look().await;
    play.one("close-loop", GRACE);
    // Ticking the task off is not telling the customer.
    let task = one(&play.world, kind, play.about(), "close-loop", GRACE);
    tick_off(&play, &task.key);
    play.look().await;
    let detail = play.detail().await;
    assert!(detail.iter().any(|kind| kind == "close-loop"), "{detail:?}");
    play.call(GRACE);
    play.look().await;
    let detail = play.detail().await;
    assert!(!detail.iter().any(|kind| kind == "close-loop"), "{detail:?}");
    assert!(open(&play.world, kind, play.about(), "close-loop").is_empty());
    play.world.assert_balanced();
}

impl Play {
    /// Kinds of everything that is owed.
    async fn detail(&self) -> Vec<String> {
        let view = self.world.handle().view();
        let filter = handoffd::view::Filter { record: Some(self.root().clone()), ..Default::default() };
        let mut owed = Vec::new();
        for summary in view.handoffs(&filter) {
            let detail = view.handoff(&summary.stream).await.unwrap().unwrap();
            owed.extend(detail.owed.into_iter().map(|row| row.owed.kind.as_str().to_owned()));
        }
        owed
    }
}

/// The owner of a task marks it as done in the CRM.
fn tick_off(play: &Play, key: &str) {
    match play.kind {
        Kind::Salesforce => {
            let soql = format!("SELECT Id FROM Task WHERE Handoff_Obligation_Id__c = '{key}'");
            let id = play.world.org().query(&soql).unwrap()[0]["Id"].as_str().unwrap().to_owned();
            let id = handoff_sandbox_salesforce::Id::parse(&id).unwrap();
            let done = serde_json::json!({ "Status": "Completed" });
            play.world.org().act(&handoff_sandbox_salesforce::Act::update(GRACE, "Task", id, &done)).unwrap();
        }
        Kind::Hubspot => {
            let portal = play.world.portal();
            let is =
                |id: &u64| portal.property("tasks", *id, "handoff_obligation_id").as_deref() == Some(key);
            let id = portal.ids("tasks").into_iter().find(is).unwrap();
            let done = serde_json::json!({ "hs_task_status": "COMPLETED" });
            portal.act(&handoff_sandbox_hubspot::Act::update(GRACE, "tasks", id, done)).unwrap();
        }
    }
}

in_each_crm!(f14_one_primary_owner_is_to_be_named_and_later_the_relationship_comes_back, shared);

async fn shared(kind: Kind) {
    let mut play = Play::begin(kind, 6, &[]).await;
    play.none("primary-owner");
    // The plan leaves it with Grace; Ava says that it is hers.
    let beside = play.mapping.beside.clone().unwrap();
    play.put(AVA, &beside.claims["b"].field, play.face.user(&play.world, AVA));
    play.interrupted().await;
    play.one("primary-owner", GRACE);
    play.put(AVA, &beside.claims["b"].field, Value::Null);
    play.look().await;
    play.none("primary-owner");
    play.write(GRACE, "primary_owner", "owner", &format!("@user:{AVA}"));
    play.write(GRACE, "primary_owner", "mode", "Cold");
    let primary = beside.primary.clone().unwrap();
    play.put(AVA, &primary, play.face.user(&play.world, AVA));
    play.look().await;
    play.save(AVA, &fill::accept(&play.mapping, true));
    play.look().await;
    let live = beside.moments["go_live"].field.clone().unwrap();
    play.put(AVA, &live, "2026-12-10");
    play.look().await;
    play.none("reunify");
    play.world.set_time("2027-06-11T08:00:00Z".parse().unwrap());
    play.look().await;
    play.one("reunify", GRACE);
    play.put(AVA, &primary, play.face.user(&play.world, GRACE));
    play.look().await;
    play.none("reunify");
}

in_each_crm!(the_first_touch_is_the_sdrs_task_until_he_touches, first_touch);

async fn first_touch(kind: Kind) {
    let play = Play::begin(kind, 1, &[]).await;
    play.one("first-touch", NIA);
    play.call(NIA);
    play.look().await;
    play.none("first-touch");
}

in_each_crm!(a_signal_is_a_task_of_the_records_own_motion, signal);

async fn signal(kind: Kind) {
    let play = Play::begin(kind, 6, &[]).await;
    play.none("signal");
    let (account, field) = match kind {
        Kind::Salesforce => ("account", "Account_Signal__c"),
        Kind::Hubspot => ("company", "handoff_account_signal"),
    };
    let say = |value: Value| {
        let fields = Fields::from_iter([(field.to_owned(), value)]);
        play.world.advance(60);
        play.face.save(&play.world, GRACE, Way::Page, &play.cast[account], &fields).unwrap();
    };
    say("Champion departed".into());
    play.look().await;
    // The CSM of this record, and what a champion's departure means in this motion: not the champion's peer.
    let task = one(&play.world, kind, play.about(), "signal", GRACE);
    assert!(task.title.contains("programme director"), "{task:?}");
    say(Value::Null);
    play.look().await;
    play.none("signal");
}
