//! The columns of each table. Only ever add at the end.

use super::{Column, Kind};

const fn column(name: &'static str, kind: Kind, says: &'static str) -> Column {
    Column { name, kind, says }
}

const fn text(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Text, says)
}

const fn integer(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Integer, says)
}

const fn number(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Number, says)
}

const fn moment(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Moment, says)
}

const fn day(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Day, says)
}

const fn flag(name: &'static str, says: &'static str) -> Column {
    column(name, Kind::Flag, says)
}

const POSITION: Column = integer("position", "position in the log, from 0");
const LOGGED: Column = moment("logged_at", "the daemon's time");
const STREAM: Column = text("stream", "contract/motion/connection/object/record");
const CYCLE: Column = integer("cycle", "from 1; each re-open adds one");
const CONTRACT: Column = text("contract", "the contract");
const MOTION: Column = text("motion", "the motion");
const UNIT: Column = text("unit", "percent, hours, seconds, milliseconds, points, count or flag (0 or 1)");
const MET: Column = integer("met", "of a rate: how many met it");
const N: Column = integer("n", "how many it is made of");
const BAND: Column = text("band", "on_target, below, aspirational or not_measurable");
const PROVISIONAL: Column = flag(
    "provisional",
    "whether it may still change by itself: an acceptance in it is younger than 30 days, a survey's two weeks are not over, or an account that stayed may still leave",
);
const LOW: Column = number("low", "lower end of the 95 % interval, in the unit");
const HIGH: Column = number("high", "upper end of the 95 % interval, in the unit");
const METHOD: Column = text("method", "how the interval is made");
const LEFT_OUT: Column = integer(
    "left_out",
    "of one of the six: how many are not in it because nothing that can be believed tells of them",
);

pub(super) const EVENTS: &[Column] = &[
    POSITION,
    integer("index", "place in its log entry, from 0"),
    LOGGED,
    STREAM,
    CONTRACT,
    integer("version", "the contract's version that was decided under; empty where nothing was decided"),
    MOTION,
    text("connection", "the connection"),
    text("object", "the CRM's object"),
    text("record", "the CRM's record id"),
    CYCLE,
    text("event", "what happened"),
    moment("at", "when, as the CRM claims"),
    moment("due", "the moment that something was due or runs out"),
    integer("round", "round within the cycle, from 1"),
    text("by", "who, by person"),
    text("act", "the act's id in the CRM"),
    text("gate", "the gate"),
    text("stage", "our name of the stage"),
    text("entry", "identifies the entry into the stage"),
    text("reason", "why, as a stable name; never words of a person"),
    flag("open", "whether a gate's flag stands open, or shall"),
    flag("ever_accepted", "of a by-pass: whether the handoff ever had been accepted"),
    integer(
        "number",
        "of an adjustment: its number on this record, from 1; of a step of reminders: the step",
    ),
];

pub(super) const EVENT_FIELDS: &[Column] = &[
    POSITION,
    integer("index", "place of the event in its log entry, from 0"),
    STREAM,
    CYCLE,
    text("event", "the event"),
    text("field", "the field's key"),
    text(
        "change",
        "set, cleared, edited, missing, rejected, excepted, met, lapsed, unconfirmed, confirmed, refused, reopened or disputed",
    ),
    moment("edited_at", "its last edit that was known then, as the CRM claims"),
];

pub(super) const PACKAGES: &[Column] = &[
    POSITION,
    LOGGED,
    STREAM,
    CONTRACT,
    integer("version", "the contract's version that was decided under"),
    MOTION,
    text("record", "the CRM's record id"),
    integer("cycle", "the cycle after the decision"),
    text("account", "the CRM's id of the account or company, if mapped"),
    text("sender", "who hands over, by person"),
    text("receiver", "who decides, by person"),
    text("stage", "our name of the stage"),
    integer("required", "mandatory fields"),
    text(
        "filled_fields",
        "keys of mandatory fields that answer their question, with a space between; those that were sent back and not mended are among them",
    ),
    text("missing_fields", "keys of the other mandatory fields, with a space between"),
    flag(
        "reconstructed",
        "whether nobody watched: it was worked out afterwards from what the CRM tells of its past, and logged_at is the moment that it speaks of",
    ),
    integer(
        "untold",
        "of that: mandatory fields whose values at that moment the CRM does not tell; a transition with any is in no rate",
    ),
];

pub(super) const SYSTEM: &[Column] = &[
    POSITION,
    LOGGED,
    text("what", "the log entry's name"),
    flag("on", "of a switch: whether writing is on"),
    moment(
        "since",
        "of a start: when the daemon was last known to work before; of a publication: when it takes effect",
    ),
    text("contract", "the contract, if it is about one"),
    integer("version", "its version"),
    text("reason", "of a contract's step: which; of a closed period: which"),
];

pub(super) const CONTRACTS: &[Column] = &[
    POSITION,
    LOGGED,
    CONTRACT,
    integer("version", "its version"),
    text("digest", "SHA-256 of its text"),
    text("fields", "keys of its fields, with a space between"),
    text(
        "customer_stages",
        "our names of the stages in which a handoff waits for the customer, with a space between",
    ),
];

pub(super) const HANDOFFS: &[Column] = &[
    STREAM,
    CYCLE,
    CONTRACT,
    MOTION,
    text("connection", "the connection"),
    text("object", "the CRM's object"),
    text("record", "the CRM's record id"),
    integer("last_position", "the last log entry about it"),
    text("account", "the CRM's id of the account or company, if mapped"),
    text("sender", "who hands over, by person, as last seen"),
    text("receiver", "who decides, by person, as last seen"),
    moment("transition_at", "when the deal first moved on: accepted, or past a guarded stage without that"),
    flag("bypassed", "whether it moved on without an acceptance"),
    integer("filled", "mandatory fields that were filled then"),
    integer("required", "mandatory fields then"),
    moment("decided_at", "the receiver's first answer"),
    flag("first_pass", "whether that was an acceptance"),
    integer("rejections", "how often it was sent back"),
    moment("accepted_at", "when it was accepted"),
    integer("accepted_round", "the round that was accepted, from 1"),
    integer(
        "waited_ms",
        "milliseconds from the accepted round's completion to the acceptance; empty = cannot be told",
    ),
    integer(
        "total_ms",
        "milliseconds from the first round's completion to the acceptance; empty = cannot be told",
    ),
    moment("ended_at", "when it was accepted, or ended without that"),
    integer("held_ms", "milliseconds from its opening to that; empty while it goes on, as are the next four"),
    integer("sender_ms", "of these, the sender's"),
    integer("receiver_ms", "of these, the receiver's"),
    integer("customer_ms", "of these, the customer's"),
    integer("system_ms", "of these, handoffd's own"),
    flag(
        "rediscovered",
        "whether the customer was asked again, within 30 days of the acceptance, what this handoff had told: then its first answer is no first-pass acceptance",
    ),
    flag("reconstructed", "whether any of it was worked out afterwards from what the CRM tells of its past"),
    integer(
        "untold",
        "mandatory fields whose values at the transition the CRM does not tell; a transition with any is in no rate",
    ),
];

const OF_THE_PAST: Column = integer(
    "reconstructed",
    "of one of the six: how many cycles it is made of that were worked out afterwards",
);
const STANDING: Column =
    text("standing", "how far the period is from changing no more: running, provisional or final");

pub(super) const METRICS: &[Column] = &[
    moment("as_of", "the moment up to which it counts"),
    text("by", "week or month"),
    CONTRACT,
    MOTION,
    text("period", "in UTC, e.g. 2026-W07 or 2026-02; empty = all periods"),
    text("metric", "which figure"),
    number("value", "the figure; empty = nothing to measure"),
    UNIT,
    MET,
    N,
    BAND,
    PROVISIONAL,
    LOW,
    HIGH,
    METHOD,
    LEFT_OUT,
    OF_THE_PAST,
    STANDING,
];

pub(super) const FROZEN: &[Column] = &[
    POSITION,
    LOGGED,
    integer("version", "from 1; each restatement adds one"),
    integer("entries", "it is made of so many entries from the beginning of the log"),
    CONTRACT,
    MOTION,
    text("period", "the month in UTC, e.g. 2026-02"),
    text("metric", "which figure; what customers do later (NPS delta, leak to churn) is not frozen"),
    number("value", "the figure; empty = nothing to measure"),
    UNIT,
    MET,
    N,
    BAND,
    PROVISIONAL,
    LOW,
    HIGH,
    METHOD,
    LEFT_OUT,
    OF_THE_PAST,
    STANDING,
];

pub(super) const PEOPLE: &[Column] = &[
    moment("as_of", "the moment up to which it counts"),
    CONTRACT,
    MOTION,
    text("period", "a month in UTC, e.g. 2026-02; empty = all time"),
    text("side", "sender or receiver"),
    text("who", "the person"),
    integer("minimum_n", "the fewest cycles that a number of a person is made of; others are not told"),
    text("metric", "which figure"),
    number("value", "the figure; empty = nothing to measure, or made of too few"),
    UNIT,
    MET,
    N,
    BAND,
    PROVISIONAL,
    LOW,
    HIGH,
    METHOD,
    LEFT_OUT,
];

pub(super) const REASKS: &[Column] = &[
    POSITION,
    integer("index", "place in its log entry, from 0"),
    LOGGED,
    STREAM,
    CONTRACT,
    MOTION,
    integer("cycle", "the cycle that it is about, from 1; of an answer and a withdrawal the call's counts"),
    text(
        "what",
        "scored: a call was, and what is suggested at the same position stands in the place of what was before; suggested; answered; reported on the record; withdrawn: the call counts no more",
    ),
    text("call", "connection/id of the call; empty of what was reported without one"),
    moment(
        "at",
        "of a scored call: when it began; of a report: when the customer was asked, as the CRM claims",
    ),
    text("field", "the field that was asked for"),
    integer("from_ms", "where in the call the question begins; with call and field it names the suggestion"),
    integer("to_ms", "where it ends"),
    flag("automatic", "of a suggestion: clear enough for the estimate that asks nobody"),
    flag("strict", "of a suggestion: it asks for the handoff that the call follows, not an earlier one"),
    flag("complaint", "of a suggestion: the customer said that this was said before"),
    flag(
        "stands",
        "of an answer: whether it was asked again; of a report: whether it stands or was taken back",
    ),
    text("source", "of a report: receiver or customer; each one's newest report counts"),
    text("act", "of an answer: the act's id in the CRM"),
];

pub(super) const ACCOUNTS: &[Column] = &[
    POSITION,
    LOGGED,
    text("connection", "the connection"),
    text("object", "the CRM's object"),
    text("account", "the CRM's id of the account or company"),
    text("source", "who tells; it takes the place of all that this source told of the account before"),
    number("arr", "annual recurring revenue, to nine places; empty also where it is more than 10^15"),
    text("currency", "its ISO 4217 code"),
    day("customer_since", "the day from which it is a customer"),
    day("churned_at", "the day from which it is none any more"),
];

pub(super) const SURVEYS: &[Column] = &[
    POSITION,
    LOGGED,
    text("connection", "the connection"),
    text("object", "the CRM's object"),
    text("account", "the CRM's id of the account or company"),
    text("answer", "tells it from other answers; of rows of one account with the same one the newest counts"),
    integer("score", "how likely they are to recommend, from 0 to 10"),
    moment("answered_at", "when, as its source claims"),
];
