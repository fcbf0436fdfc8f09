//! What people read: words on the record in every phase, and plans as an admin sees them.

use std::fmt::Write as _;

use handoff_core::clearance::ClearanceKey;
use handoff_core::digest::Digest;
use handoff_core::id::GateName;

use crate::rows::{accepted, fill, pass, waiting};
use crate::world::{Person, Step, Variant, World};

fn told(title: &str, world: &World) -> String {
    let held = world.word("Commission_Open__c_Hold");
    let (status, missing) = (world.word("Status__c"), world.word("Missing__c"));
    format!("# {title}\nstatus:  {status}\nmissing: {missing}\nheld:    {held}\n\n")
}

#[test]
fn words_on_the_record_in_every_phase() {
    let mut text = String::new();
    let mut tell = |title: &str, world: &World| text.push_str(&told(title, world));
    let after = |mut world: World, steps: &[Step]| {
        for step in steps {
            world.play(step);
            world.play(&Step::Wait(60));
        }
        pass(&mut world);
        world
    };
    let edit = |field, text| Step::Edit { field, text, who: Person::Sender };
    tell("draft, nothing filled", &after(World::new(), &[Step::Stage("Negotiation")]));
    tell("draft, one field is junk", &after(waiting(), &[edit(1, Some(4))]));
    let mut explicit = World::of(Variant::Explicit);
    explicit.play(&Step::Stage("Negotiation"));
    fill(&mut explicit, 1);
    tell("draft, filled but not handed over", &explicit);
    tell("waiting for the receiver", &waiting());
    tell("overdue", &after(waiting(), &[Step::Wait(49 * 3600)]));
    tell("no receiver", &after(waiting(), &[Step::Receiver(None)]));
    tell("no sender", &after(waiting(), &[Step::Sender(None)]));
    tell("sender is receiver", &after(waiting(), &[Step::Receiver(Some(Person::SenderOtherLogin))]));
    tell("receiver is a machine", &after(waiting(), &[Step::Receiver(Some(Person::Machine))]));
    tell("receiver without the role", &after(waiting(), &[Step::Receiver(Some(Person::Stranger))]));
    let swapped = [Step::Sender(Some(Person::Stranger)), Step::Receiver(Some(Person::Sender))];
    tell("receiver handed it over", &after(waiting(), &swapped));
    tell("sent back, one field", &after(waiting(), &[Step::Reject(Person::Receiver, 0)]));
    tell("sent back, all of it", &after(waiting(), &[Step::Reject(Person::Receiver, 3)]));
    tell("accepted", &accepted());
    tell("accepted, receiver gone", &after(accepted(), &[Step::Receiver(None)]));
    tell("accepted, no longer complete", &after(accepted(), &[edit(2, None)]));
    tell("unknown stage", &after(accepted(), &[Step::Stage("Renamed by an admin")]));
    tell("off", &after(accepted(), &[Step::Stage("Closed Lost")]));
    insta::assert_snapshot!(text);
}

#[test]
fn plans_as_an_admin_reads_them() {
    let mut text = String::new();
    let mut tell = |title: &str, world: &World| {
        let plan = world.plan().expect("governed");
        write!(text, "# {title}\n{plan}withdrawn by:\n").expect("writes");
        for write in &plan.withdraw {
            writeln!(text, "  {write}").expect("writes");
        }
        text.push('\n');
    };
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Wait(60));
    world.observe();
    tell("opens", &world);
    world.write();
    world.observe();
    tell("steady", &world);
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    world.observe();
    tell("shuts again", &world);
    insta::assert_snapshot!(text);
}

#[test]
fn a_clearance_id_is_bound_to_record_gate_package_position_and_key() {
    let state = accepted().state().expect("open");
    let acceptance = state.accepted.expect("accepted");
    let key = ClearanceKey::new(vec![7; 32]).expect("long enough");
    let (record, gate, package) = (&state.id.subject, GateName::from("commission"), &acceptance.shown);
    let id = key.id(record, &gate, package, 5).expect("an id");
    assert_eq!(id.len(), 40);
    assert_eq!(key.id(record, &gate, package, 5).as_ref(), Some(&id), "the same again");
    let mut other = record.clone();
    other.record = "006000000000002AAA".into();
    let others = [
        key.id(&other, &gate, package, 5),
        key.id(record, &GateName::from("queue"), package, 5),
        key.id(record, &gate, &Digest::of(&"other"), 5),
        key.id(record, &gate, package, 6),
        ClearanceKey::new(vec![8; 32]).expect("long enough").id(record, &gate, package, 5),
    ];
    assert!(others.iter().all(|other| other.as_ref().is_some_and(|other| *other != id)));
    assert!(ClearanceKey::new(vec![7; 31]).is_none(), "too short a secret is none");
    assert!(!format!("{key:?}").contains('7'));
}
