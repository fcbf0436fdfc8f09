//! A play with a daemon that is killed, and the same play undisturbed.

use std::collections::{BTreeMap, BTreeSet};

use handoffd::config::Config;
use handoffd_tests::crm::{Attempt, Kind};
use handoffd_tests::door::Door;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::play::{PLOTS, Play};
use serde_json::{Value, json};

use crate::process::{Began, Process};

/// The org, the play and the door to whichever process is alive.
pub(crate) struct Stage {
    crms: &'static [Kind],
    pub(crate) world: Governed,
    pub(crate) play: Play,
    pub(crate) door: Door,
    config: std::path::PathBuf,
    checkpoints: Vec<Vec<u8>>,
    pub(crate) vkey: String,
}

impl Stage {
    pub(crate) async fn build(crms: &'static [Kind]) -> Self {
        Self::build_with(crms, |_config| {}).await
    }

    /// The same with a configuration of its own.
    pub(crate) async fn build_with(crms: &'static [Kind], change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
        world.config(change);
        let door = Door::open().await;
        door.hold();
        world.company().vendors().for_each(|vendor| vendor.deliver_to(Some(door.address())));
        let config = world.dir().join("config.json");
        std::fs::write(&config, serde_json::to_vec(world.configured()).unwrap()).unwrap();
        Self {
            crms,
            world,
            play: Play::default(),
            door,
            config,
            checkpoints: Vec::new(),
            vkey: String::new(),
        }
    }

    /// The file that holds the configuration.
    pub(crate) fn config(&self) -> &std::path::Path {
        &self.config
    }

    /// Starts a process and does not wait for it.
    pub(crate) fn spawn(&self, failpoint: Option<&str>) -> Process {
        Process::spawn(&self.config, self.world.now(), failpoint)
    }

    /// Waits until it listens, and leads deliveries to it; false = it ended before.
    pub(crate) async fn ready(&mut self, process: &mut Process) -> bool {
        match process.began().await {
            Began::Ready(address, vkey) => {
                self.door.lead_to(Some(address));
                self.vkey = vkey;
                true
            }
            Began::Ended => false,
        }
    }

    pub(crate) async fn up(&mut self) -> Process {
        let mut process = self.spawn(None);
        assert!(self.ready(&mut process).await);
        process
    }

    /// Half a minute passes, and people act; whether all is done.
    pub(crate) fn act(&mut self, process: &mut Process) -> bool {
        self.world.advance(30);
        process.say(&format!("time {}", self.world.now()));
        self.play.act(self.world.company())
    }

    /// As [`Self::act`], and everything that can be done is.
    pub(crate) async fn pass(&mut self, process: &mut Process) -> bool {
        let done = self.act(process);
        self.world.delivered().await;
        process.say("idle");
        assert_eq!(process.line().await.as_deref(), Some("idle"));
        self.world.delivered().await;
        done
    }

    /// As [`Self::act`]; whether the process was still there when everything was done.
    pub(crate) async fn lives_on(&mut self, process: &mut Process) -> bool {
        assert!(self.play.entered() < 60, "the failpoint is never reached");
        self.act(process);
        process.say("idle");
        process.line().await.is_some()
    }

    /// Plays to the end without further kills.
    pub(crate) async fn finish(&mut self, process: &mut Process) {
        for _ in 0..40 {
            if self.pass(process).await {
                // What was answered last is still to be looked at.
                self.pass(process).await;
                return;
            }
        }
        panic!("the play does not end: {:?}", self.play.unfinished(self.world.company()));
    }

    /// Nobody is at home, and what was published until now is kept as an auditor would keep it.
    pub(crate) fn after_kill(&mut self) {
        self.door.hold();
        let checkpoint = std::fs::read(self.world.state_dir().join("audit").join("checkpoint"));
        self.checkpoints.extend(checkpoint.ok().filter(|note| self.checkpoints.last() != Some(note)));
    }

    /// Checks everything that must hold once the last process has ended.
    pub(crate) async fn judge(mut self) {
        self.door.lead_to(None);
        self.world.begin().await.unwrap();
        self.world.settle().await;
        self.world.assert_balanced();
        let attempts: Vec<_> = self
            .world
            .company()
            .vendors()
            .flat_map(|vendor| vendor.attempts().into_iter().map(move |one| (vendor.kind(), one)))
            .collect();
        let named = |wanted: fn(&Attempt) -> bool| -> BTreeSet<_> {
            let wanted = attempts.iter().filter(|(_, one)| wanted(one));
            wanted.map(|(kind, one)| (*kind, one.notification.as_str())).collect()
        };
        let acknowledged = named(|one| one.acknowledged);
        assert_eq!(acknowledged, named(|_| true), "a CRM gave up on a message");
        assert_eq!(
            self.world.received(),
            u64::try_from(acknowledged.len()).unwrap(),
            "one outcome per acknowledged message"
        );
        self.world.verify_audit();
        let (audit, log) = (self.world.state_dir().join("audit"), self.world.state_dir().join("log"));
        for older in &self.checkpoints {
            handoff_store::tlog::verify_against_log(&audit, &self.vkey, Some(older), &log).unwrap();
        }
        let expected = undisturbed(self.crms, self.play.entered()).await;
        let (played, states) = (self.play.outcome(self.world.company()), states(&self.world, &self.play));
        for (name, (outcome, state)) in &expected {
            let shown = played.get(name).unwrap();
            assert_eq!(shown["written"], outcome["written"], "{name}: what the CRM shows");
            let times = |turn: &str| shown[turn].as_u64().unwrap() - outcome[turn].as_u64().unwrap();
            assert_eq!(times("opened"), times("shut"), "{name}: {shown} instead of {outcome}");
            // HubSpot knows no precondition: an opening that crosses a person's change is withdrawn in the same conversation and made anew.
            assert!(times("opened") == 0 || name.ends_with("hs"), "{name}: {shown} instead of {outcome}");
            assert_eq!(states.get(name), Some(state), "{name}: what we know");
        }
        self.world.stop().await;
    }
}

/// What we know of every deal, as canonical JSON.
fn states(world: &Governed, play: &Play) -> BTreeMap<String, Value> {
    let state = |deal| {
        world.summary(deal).map_or(Value::Null, |summary| {
            json!({"phase": summary.phase, "cycle": summary.handoff.cycle, "round": summary.round, "gates": summary.gates,
                "missing": summary.missing, "bypasses": summary.bypasses})
        })
    };
    play.deals().map(|(name, deal)| (name.to_owned(), state(deal))).collect()
}

/// The same deals with a daemon that nobody disturbs: by name, what the CRM shows and what we know.
async fn undisturbed(crms: &'static [Kind], deals: usize) -> BTreeMap<String, (Value, Value)> {
    let mut world = Governed::start(Options { crms, ..Options::default() }).await;
    let mut play = Play::default();
    for plot in PLOTS.into_iter().cycle().take(deals) {
        play.enter(world.company(), plot);
    }
    for _ in 0..40 {
        let done = play.act(world.company());
        world.pass().await;
        if done {
            break;
        }
    }
    assert_eq!(play.unfinished(world.company()), Vec::<String>::new());
    let outcomes = play.outcome(world.company());
    let mut states = states(&world, &play);
    world.stop().await;
    outcomes
        .into_iter()
        .map(|(name, outcome)| {
            let state = states.remove(&name).unwrap();
            (name, (outcome, state))
        })
        .collect()
}
