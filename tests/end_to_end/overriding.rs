//! Break-glass and the return loop through the whole daemon: what two people say opens a gate until its time, on the record and in the numbers.

use handoff_core::break_glass::{Denied, ROLE};
use handoff_core::handoff::Phase;
use handoff_core::id::GateName;
use handoffd::overrides::{NotSaid, Said, Word};
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, MARCO};
use jiff::SignedDuration;

use crate::steps::on_each_crm;

const OLGA: &str = "olga@northwind-peak.example";
const OLGAS_OTHER_LOGIN: &str = "olga.admin@northwind-peak.example";
const INES: &str = "ines@northwind-peak.example";

async fn say(world: &Governed, deal: Deal, by: &str, word: Word) -> Result<(), NotSaid> {
    let stream = world.summary(deal).unwrap().stream;
    let said = Said { stream, gate: GateName::from(COMMISSION), by: by.to_owned(), word };
    world.handle().say_override(said).await
}

on_each_crm!(f12_break_glass_takes_two_people_ends_at_its_time_and_is_no_acceptance);

async fn f12_break_glass_takes_two_people_ends_at_its_time_and_is_no_acceptance(options: Options) {
    let mut world = Governed::prepare(options).await;
    world.config(|config| {
        let people = [OLGA, OLGAS_OTHER_LOGIN, INES, AVA].map(str::to_owned).to_vec();
        config.people.roles.insert(ROLE.to_owned(), people);
        let olga = [OLGA, OLGAS_OTHER_LOGIN].map(str::to_owned).to_vec();
        config.people.same_person.insert("olga".to_owned(), olga);
    });
    world.begin().await.unwrap();
    let deal = world.full_deal("Quarter end");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    let expires = world.now().checked_add(SignedDuration::from_hours(8)).unwrap();
    let ask = || Word::Ask { reason: "quarter end, Ingrid is in hospital".to_owned(), expires };
    for (who, word, why) in [
        (INES, Word::Confirm, Denied::NotAsked),
        (AVA, ask(), Denied::Sender),
        (MARCO, ask(), Denied::LacksRole),
    ] {
        let denied = say(&world, deal, who, word).await;
        assert!(matches!(&denied, Err(NotSaid::Denied(found)) if *found == why), "{who}: {denied:?}");
    }
    say(&world, deal, OLGA, ask()).await.unwrap();
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION), "one person's word opens nothing");
    let same = say(&world, deal, OLGAS_OTHER_LOGIN, Word::Confirm).await;
    assert!(matches!(same, Err(NotSaid::Denied(Denied::SamePerson))), "{same:?}");
    say(&world, deal, INES, Word::Confirm).await.unwrap();
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.phase(deal), Some(Phase::Complete), "nobody accepted anything");
    assert_eq!(world.handle().view().overridden(), 1);
    let status = world.company().status(deal);
    assert!(status.starts_with("BREAK-GLASS: commission open until"), "{status}");

    world.restart().await;
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.advance(8 * 3_600);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION), "shut again at its time");
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 1));
    assert_eq!(world.handle().view().overridden(), 0);
    let events = world.events(deal).await;
    let count = |name: &str| events.iter().filter(|event| **event == name).count();
    assert_eq!((count("override_asked"), count("overridden"), count("override_ended")), (1, 1, 1));
    assert_eq!((count("accepted"), count("commission_released"), count("tampered")), (0, 0, 0));
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
}

on_each_crm!(b02_a_clock_that_is_set_back_opens_no_gate_whose_override_is_over);

async fn b02_a_clock_that_is_set_back_opens_no_gate_whose_override_is_over(options: Options) {
    let mut world = Governed::prepare(options).await;
    world.config(|config| {
        let people = [OLGA, INES].map(str::to_owned).to_vec();
        config.people.roles.insert(ROLE.to_owned(), people);
    });
    world.begin().await.unwrap();
    let deal = world.full_deal("Over");
    world.pass().await;
    let expires = world.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    say(&world, deal, OLGA, Word::Ask { reason: "the quarter ends today".to_owned(), expires })
        .await
        .unwrap();
    say(&world, deal, INES, Word::Confirm).await.unwrap();
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.advance(3_600);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION));
    // Only the daemon's clock: to a moment at which the override still ran.
    world.clock().set(expires.checked_sub(SignedDuration::from_mins(30)).unwrap());
    for _ in 0..2 {
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert!(!world.flag(deal, COMMISSION) && !world.gate(deal, COMMISSION), "what ended stays ended");
    world.restart().await;
    world.settle().await;
    assert!(!world.flag(deal, COMMISSION));
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 1));
    assert_eq!(world.handle().view().overridden(), 0);
    world.verify_audit();
}
