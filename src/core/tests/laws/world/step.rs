//! What people do, and what happens otherwise.

use proptest::prelude::*;

/// People: two logins of one sender, two receivers, a stranger, a machine, the receivers' manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    Sender,
    SenderOtherLogin,
    Receiver,
    OtherReceiver,
    Stranger,
    Machine,
    /// Holds the fallback role alone.
    Manager,
}

/// What can happen.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Edit {
        field: usize,
        text: Option<u8>,
        who: Person,
    },
    Stage(&'static str),
    /// Somebody sets the close date.
    CloseDate(u8),
    Accept(Person),
    /// Takes it although fields are missing, until two days later.
    AcceptWith(Person),
    Reject(Person, usize),
    Flag {
        gate: &'static str,
        open: bool,
    },
    Receiver(Option<Person>),
    Sender(Option<Person>),
    /// The receiving role is taken from somebody, or given back.
    Role(Person, bool),
    /// Somebody's user is switched off, or on again.
    Active(Person, bool),
    Submit(Person),
    /// Somebody saves the record without changing anything of it that is mapped.
    Touch(Person),
    /// A related row that the first field is partly read from is saved.
    Row,
    /// All that it takes, done well: filled, handed over and accepted by whoever is to accept.
    HandOver(u8),
    /// What follows happens in the same second as what went before.
    SameSecond,
    Lose(bool),
    Wait(u32),
    Observe,
    Write,
    /// The write reaches the CRM, but the process dies before the read-back is logged.
    WriteAndDie,
}

/// Any of it.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let who = || {
        prop_oneof![
            4 => Just(Person::Receiver), 2 => Just(Person::OtherReceiver), 2 => Just(Person::Sender), 1 => Just(Person::SenderOtherLogin),
            1 => Just(Person::Stranger), 1 => Just(Person::Machine)
        ]
    };
    let stage = prop_oneof![
        Just("Negotiation"),
        Just("Closed Won"),
        Just("Closed Lost"),
        Just("Prospecting"),
        Just("Renamed by an admin")
    ];
    prop_oneof![
        6 => (0..3_usize, prop::option::weighted(0.9, 0..5_u8), who()).prop_map(|(field, text, who)| Step::Edit { field, text, who }),
        2 => stage.prop_map(Step::Stage),
        1 => (1..4_u8).prop_map(Step::CloseDate),
        5 => who().prop_map(Step::Accept),
        2 => who().prop_map(Step::AcceptWith),
        2 => (who(), 0..4_usize).prop_map(|(who, field)| Step::Reject(who, field)),
        2 => (prop_oneof![Just("commission"), Just("queue"), Just("closed_won")], any::<bool>())
            .prop_map(|(gate, open)| Step::Flag { gate, open }),
        1 => prop::option::weighted(0.8, who()).prop_map(Step::Receiver),
        1 => prop::option::weighted(0.9, who()).prop_map(Step::Sender),
        1 => (who(), any::<bool>()).prop_map(|(who, held)| Step::Role(who, held)),
        2 => who().prop_map(Step::Submit),
        2 => Just(Step::SameSecond),
        2 => (0..4_u8).prop_map(Step::HandOver),
        1 => who().prop_map(Step::Touch),
        1 => Just(Step::Row),
        1 => any::<bool>().prop_map(Step::Lose),
        2 => (0..200_000_u32).prop_map(Step::Wait),
        3 => Just(Step::Observe),
        3 => Just(Step::Write),
        1 => Just(Step::WriteAndDie),
    ]
}

impl Step {
    /// Who changed the record with it.
    pub(super) fn author(&self) -> Option<Person> {
        match self {
            Self::Edit { who, .. }
            | Self::Accept(who)
            | Self::AcceptWith(who)
            | Self::Reject(who, _)
            | Self::Submit(who)
            | Self::Touch(who) => Some(*who),
            Self::Stage(_) | Self::CloseDate(_) | Self::Flag { .. } | Self::Receiver(_) | Self::Sender(_) => {
                Some(Person::Stranger)
            }
            Self::Role(..)
            | Self::Active(..)
            | Self::SameSecond
            | Self::HandOver(_)
            | Self::Row
            | Self::Lose(_)
            | Self::Wait(_)
            | Self::Observe
            | Self::Write
            | Self::WriteAndDie => None,
        }
    }
}
