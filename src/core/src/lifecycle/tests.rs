use super::*;
use crate::digest::Digest;
use crate::registry::parse_contract;

const TEXT: &str = include_str!("../../../../mappings/contracts/h03-ae-to-onboarding.v1.toml");

fn contract() -> Contract {
    parse_contract("h03", TEXT).unwrap()
}

fn text(version: u32) -> ContractRef {
    let id = ContractId::from("h03-ae-to-onboarding");
    ContractRef { id, version, digest: Digest::of_bytes(&version.to_be_bytes()) }
}

fn who(login: &str, person: &str, roles: &[String]) -> Who {
    Who { login: login.into(), person: person.into(), roles: roles.iter().cloned().collect() }
}

fn step(version: u32, person: &str, step: Step) -> LogEntry {
    LogEntry::ContractStep {
        contract: text(version),
        step,
        by: person.into(),
        person: person.into(),
        comment: String::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).unwrap()
}

fn life(entries: &[LogEntry]) -> Lifecycle {
    let mut life = Lifecycle::default();
    life.adopt(&text(1));
    for (position, entry) in entries.iter().enumerate() {
        life.apply(u64::try_from(position).unwrap(), entry);
    }
    life
}

fn proposed() -> LogEntry {
    step(2, "ann", Step::Proposed { text: "…".into() })
}

#[test]
fn the_first_text_is_adopted_and_a_later_one_waits_for_its_publication() {
    assert_eq!(Lifecycle::default().in_force(&text(1), at(0)), None);
    let published = step(2, "rita", Step::Published { effective: at(10), weaker: Vec::new() });
    let life = life(&[proposed(), step(2, "rita", Step::Approved), published]);
    assert_eq!(life.in_force(&text(2), at(9)), Some(&text(1)), "before its day the old one stays in force");
    assert_eq!(life.in_force(&text(1), at(10)), Some(&text(2)), "files that lag behind change nothing");
}

#[test]
fn e08_a_text_that_was_never_approved_is_not_in_force() {
    let life = life(&[proposed()]);
    assert_eq!(life.in_force(&text(2), at(99)), Some(&text(1)));
    assert_eq!(life.in_force(&text(7), at(99)), Some(&text(1)));
}

#[test]
fn only_the_receiver_approves_and_never_his_own_proposal() {
    let contract = contract();
    let (sender, receiver) = (contract.roles.sender.clone(), contract.roles.receiver.clone());
    let life = life(&[proposed()]);
    let judged = |who: &Who| life.may_approve(&text(2), &contract, who);
    assert_eq!(judged(&who("s", "sam", std::slice::from_ref(&sender))), Err(NotAllowed::NotTheReceiver));
    assert_eq!(judged(&who("r", "rita", &[sender, receiver.clone()])), Err(NotAllowed::AlsoSender));
    let receiver = [receiver];
    assert_eq!(judged(&who("ann.admin", "ann", &receiver)), Err(NotAllowed::OwnProposal));
    assert_eq!(judged(&who("r", "rita", &receiver)), Ok(()));
    assert_eq!(
        life.may_approve(&text(3), &contract, &who("r", "rita", &receiver)),
        Err(NotAllowed::NotProposed)
    );
}

#[test]
fn nothing_is_published_without_an_approval_or_twice() {
    assert_eq!(life(&[proposed()]).may_publish(&text(2)), Err(NotAllowed::NotApproved));
    assert_eq!(life(&[]).may_publish(&text(1)), Err(NotAllowed::NotProposed));
    let published = step(2, "rita", Step::Published { effective: at(10), weaker: Vec::new() });
    let life = life(&[proposed(), step(2, "rita", Step::Approved), published]);
    assert_eq!(life.may_publish(&text(2)), Err(NotAllowed::AlreadyPublished));
    assert_eq!(
        life.may_propose(&ContractRef { digest: text(9).digest, ..text(2) }),
        Err(NotAllowed::VersionTaken)
    );
    assert_eq!(life.may_propose(&text(3)), Ok(()));
}

#[test]
fn a_step_keeps_names_and_comments_out_of_the_public_leaf() {
    let LogEntry::ContractStep { contract, step, by, person, at, .. } = proposed() else { unreachable!() };
    let entry = LogEntry::ContractStep { contract, step, by, person, comment: "too long".into(), at };
    let encoded = entry.encode().unwrap();
    let leaf = String::from_utf8(encoded.leaf.clone()).unwrap();
    assert!(leaf.contains("\"v\":2") && !leaf.contains("ann") && !leaf.contains("too long"), "{leaf}");
    let parts = encoded.parts.clone();
    let again = LogEntry::decode(&encoded.leaf, |name| parts.get(name).cloned()).unwrap();
    assert_eq!(again, Some(entry));
    let erased = LogEntry::decode(&encoded.leaf, |_| None).unwrap();
    assert!(matches!(erased, Some(LogEntry::ContractStep { by, .. }) if by == "erased"));
}

#[test]
fn two_texts_of_one_version_are_meant_by_no_version_and_an_approval_is_given_once() {
    let mut life = life(&[proposed(), step(2, "rita", Step::Approved)]);
    let id = text(2).id;
    assert_eq!(life.of_version(&id, 2), Some(&text(2)));
    life.adopt(&text(2));
    assert!(
        !life.standing(&text(2)).unwrap().adopted,
        "what was proposed is not adopted because files name it"
    );
    let receiver = [contract().roles.receiver];
    let again = life.may_approve(&text(2), &contract(), &who("r", "rita", &receiver));
    assert_eq!(again, Err(NotAllowed::AlreadyApproved));
    life.adopt(&ContractRef { digest: text(9).digest, ..text(2) });
    assert_eq!(life.of_version(&id, 2), None);
}

#[test]
fn of_two_adopted_texts_the_files_choose_and_a_third_takes_the_newer() {
    let mut life = life(&[]);
    life.adopt(&text(3));
    for (named, in_force) in [(1, 1), (3, 3), (7, 3)] {
        assert_eq!(life.in_force(&text(named), at(0)), Some(&text(in_force)), "{named}");
    }
}
