//! The alphabet: what people do to a record, and time.

use handoff_core::id::GateName;
use jiff::SignedDuration;

use crate::setting::FIELDS;
use crate::subject::Core;
use crate::world::{Person, Said, TrueAct, TrueOverride, World, time};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Edit(usize, u8),
    Say(Person, Said),
    Stage(&'static str),
    Receiver(Option<Person>),
    Sender(Option<Person>),
    Forge(&'static str, bool),
    Lose(bool),
    Override(Person, Person),
    Seconds(i64),
}

const DAY: i64 = 86_400;

/// Every move, in a fixed order.
pub(crate) fn moves() -> Vec<Move> {
    let mut moves = Vec::new();
    for field in 0..FIELDS.len() {
        moves.extend([0, 1, 2].map(|value| Move::Edit(field, value)));
    }
    moves.push(Move::Edit(0, 3));
    moves.extend(
        [Person::Rita, Person::Sam, Person::SamToo, Person::Rolf].map(|who| Move::Say(who, Said::Accept)),
    );
    moves.extend([Person::Rita, Person::Sam].map(|who| Move::Say(who, Said::AcceptWith)));
    moves.extend([None, Some(0)].map(|field| Move::Say(Person::Rita, Said::Reject(field))));
    moves.extend(["Negotiation", "Closed Won", "Closed Lost", "Renamed"].map(Move::Stage));
    moves.extend([None, Some(Person::Rita), Some(Person::Rolf), Some(Person::SamToo)].map(Move::Receiver));
    moves.extend([Some(Person::Sam), Some(Person::Rita)].map(Move::Sender));
    moves.extend([
        Move::Forge("commission", true),
        Move::Forge("commission", false),
        Move::Forge("queue", true),
    ]);
    moves.extend([Move::Lose(true), Move::Lose(false)]);
    let people = [(Person::Olga, Person::Ines), (Person::Olga, Person::Olga), (Person::Sam, Person::Ines)];
    moves.extend(people.map(|(first, second)| Move::Override(first, second)));
    moves.extend([Move::Seconds(10), Move::Seconds(3 * DAY)]);
    moves
}

impl World {
    /// Makes the move; false = it changes nothing here.
    pub(crate) fn play(&mut self, core: &dyn Core, it: Move) -> bool {
        let now = self.truth.now;
        let truth = &mut self.truth;
        match it {
            Move::Edit(field, value) => {
                let same = truth.values[field] == value;
                (truth.values[field], truth.edited[field]) = (value, now);
                !same
            }
            Move::Say(by, said) => {
                truth.decision = Some(if matches!(said, Said::Reject(_)) { "Reject" } else { "Accept" });
                let (values, role) = (truth.values, true);
                truth.acts.push(TrueAct { by, at: now, said, values, role });
                true
            }
            Move::Stage(stage) => {
                let same = truth.stage.0 == stage;
                truth.stage = (stage, now, truth.stage.2 + 1);
                !same
            }
            Move::Receiver(who) => std::mem::replace(&mut truth.receiver, who) != who,
            Move::Sender(who) => std::mem::replace(&mut truth.sender, who) != who,
            Move::Forge(gate, open) => {
                let flag = truth.flags.get_mut(gate).expect("a gate");
                let same = flag.0 == open;
                (flag.0, flag.2) = (open, false);
                !same
            }
            Move::Lose(lost) => std::mem::replace(&mut truth.exists, !lost) == lost,
            Move::Override(first, second) => self.break_glass(core, first, second),
            Move::Seconds(seconds) => {
                self.after(SignedDuration::from_secs(seconds));
                true
            }
        }
    }

    fn break_glass(&mut self, core: &dyn Core, first: Person, second: Person) -> bool {
        let (now, until) = (self.truth.now, self.truth.now + DAY);
        let Some(state) = &self.state else { return false };
        let known = (&self.frame.contract, state);
        let people = (&crate::world::actor(first), &crate::world::actor(second));
        let gate = GateName::from("commission");
        let Ok(events) = core.break_glass(known, &gate, people, (time(now), time(until))) else {
            return false;
        };
        self.append(core, None, events);
        self.truth.overrides.push(TrueOverride { people: (first, second), from: now, until });
        true
    }
}
