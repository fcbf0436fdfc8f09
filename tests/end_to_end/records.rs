//! Records, mappings and contracts that are not what they should be.

use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::registry::shipped;
use handoff_sandbox_salesforce::{Act, FieldSpec, FieldType, SaveError};
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE, STAGE, package};
use serde_json::json;

use crate::wire::{Notice, client, message, path, post};

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";
const CONTRACT: &str = "contracts/h03-ae-to-onboarding.v1.toml";

fn text(path: &str) -> String {
    shipped().find(|(name, _)| *name == path).unwrap().1.to_owned()
}

/// The shipped files with one replaced.
fn replaced<'a>(path: &'a str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut files: Vec<(&str, &str)> = shipped().filter(|(name, _)| *name != path).collect();
    files.push((path, text));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_poisoned_record_is_parked_visible_and_driven_again_while_others_go_on() {
    let world = Governed::start(Options::default()).await;
    let (poisoned, other) = (world.full_deal("Poisoned"), world.full_deal("Healthy"));
    let rule = SaveError {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "Talk to finance first".to_owned(),
        fields: Vec::new(),
    };
    world.org().reject_row(poisoned.sf(), 1_000, rule);
    world.pass().await;
    assert!(world.flag(other, QUEUE) && !world.flag(poisoned, QUEUE));
    let parked = world.handle().view().parked();
    let parked = parked.iter().find(|parked| parked.record == poisoned.record()).unwrap();
    assert!(parked.why.contains("Talk to finance first"), "the CRM's own words: {}", parked.why);
    let tries = |world: &Governed| {
        world
            .org()
            .writes()
            .iter()
            .filter(|write| write.id == Some(poisoned.sf()) && write.status != "ok")
            .count()
    };
    let before = tries(&world);
    for _ in 0..5 {
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    assert_eq!(tries(&world), before, "what was refused is not hammered");
    world.org().clear_faults();
    world.handle().reconcile_now(&poisoned.record()).await.unwrap();
    world.settle().await;
    assert!(world.flag(poisoned, QUEUE));
    assert!(world.handle().view().parked().is_empty());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_parked_record_is_tried_again_when_it_changes() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Mended");
    let rule = SaveError {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no".to_owned(),
        fields: Vec::new(),
    };
    world.org().reject_row(deal.sf(), 1, rule);
    world.pass().await;
    assert!(!world.flag(deal, QUEUE));
    world.edit(AVA, deal, &json!({"Amount": 60_000}));
    world.pass().await;
    assert!(world.flag(deal, QUEUE));
    assert!(world.handle().view().parked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_junk_in_any_one_field_keeps_the_gates_shut() {
    let world = Governed::start(Options::default()).await;
    let mut deals = Vec::new();
    let package = package().into_iter();
    let texts: Vec<_> =
        package.filter(|(_, _, value)| value.as_str().is_some_and(|text| text.contains(' '))).collect();
    let junk =
        ["   ", "N/A", "tbd", "Select", "-", "0", "\u{200b}\u{200b}", "see gong", "?????????????????????"];
    for (number, junk) in junk.into_iter().enumerate() {
        let deal = world.full_deal(&format!("Junk {number}"));
        let (field, part, _) = texts[number % texts.len()];
        world.say(AVA, deal, &[(field, part, junk)]);
        deals.push((deal, field, junk));
    }
    world.pass().await;
    for (deal, field, junk) in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Draft), "{field} = {junk:?}");
        world.accept(*deal);
    }
    world.pass().await;
    for (deal, field, junk) in &deals {
        assert!(
            !world.flag(*deal, COMMISSION) && !world.flag(*deal, QUEUE) && !world.flag(*deal, STAGE),
            "{field} = {junk:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_a_deal_closed_before_it_began_and_one_that_takes_years_are_governed_like_any_other() {
    let world = Governed::start(Options::default()).await;
    let (early, long) = (world.full_deal("Early"), world.full_deal("Long"));
    world.edit(AVA, early, &json!({"CloseDate": "1999-01-01"}));
    world.edit(AVA, long, &json!({"CloseDate": "2090-01-01"}));
    world.pass().await;
    world.advance(500 * 24 * 3600);
    world.settle().await;
    for deal in [early, long] {
        world.accept(deal);
    }
    world.pass().await;
    for deal in [early, long] {
        assert!(world.flag(deal, COMMISSION));
        let summary = world.summary(deal).unwrap();
        assert!(summary.completed.unwrap() <= summary.last.time && summary.opened.time <= summary.last.time);
    }
}

#[test]
fn e10_a_broken_mapping_is_refused_with_its_line() {
    let good = text(MAPPING);
    let line_of = |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let breakages = [
        ("connector = \"salesforce\"", "conector = \"salesforce\"", "conector"),
        ("version   = 1 ", "version   = \"one\" ", "version   = \"one\""),
        ("Handoff_03_In_Queue__c", "Handoff_03_Stage_Open__c", "receiver_queue"),
        ("accept      = \"Accept\"", "accept      = [\"Accept\"]", "accept      = ["),
        ("[write.note]", "[write.note", "[write.note"),
        ("sender   = { field", "sneder   = { field", "sneder"),
        ("connector = \"salesforce\"", "include = \"salesforce/h03-ae-to-onboarding.toml\"", "include"),
    ];
    for (from, to, at) in breakages {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        let files = replaced(MAPPING, &broken);
        let problems =
            handoff_core::registry::Registry::load(files).err().unwrap_or_else(|| panic!("{to} was taken"));
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let line = line_of(&broken, at);
        assert!(
            said.iter().any(|text| text.contains(MAPPING) && text.contains(&format!(":{line}:"))),
            "{to}, line {line}: {said:?}"
        );
    }
}

/// There is no language in a mapping: what looks like one is a name like any other, or refused.
#[test]
fn e11_what_looks_like_a_template_in_a_mapping_is_plain_text() {
    let templates = [
        "${HOME}",
        "{{ env.PATH }}",
        "$(cat /etc/passwd)",
        "`id`",
        "%(HOME)s",
        "#{ENV['HOME']}",
        "file:///etc/passwd",
        "{% include '/etc/passwd' %}",
        "@/etc/passwd",
    ];
    for template in templates {
        let mut mapping: toml::Table = toml::from_str(&text(MAPPING)).unwrap();
        mapping["decision"]["accept"] = template.into();
        mapping["stage"]["names"]["commit"] = vec![template].into();
        let mapping = toml::to_string(&mapping).unwrap();
        let registry = handoff_core::registry::Registry::load(replaced(MAPPING, &mapping)).unwrap();
        let mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap();
        assert_eq!(mapping.decision.accept, template);
        assert_eq!(mapping.stage.names[&"commit".into()], [template]);
    }
}

/// The value of the data differs from the mapping's by a space: the one is not taken for the other.
#[tokio::test(flavor = "multi_thread")]
async fn e04_a_value_that_nearly_matches_the_mapping_is_told_and_not_guessed() {
    let mut world = Governed::prepare(Options::default()).await;
    let mut mapping: toml::Table = toml::from_str(&text(MAPPING)).unwrap();
    mapping["motion"] = toml::toml! {
        field = "Product__c"
        names = { main = ["GTX Pro"] }
    }
    .into();
    world.file(MAPPING, &toml::to_string(&mapping).unwrap());
    let product = FieldSpec::new("Product__c", FieldType::String);
    world.org().add_fields("Opportunity", vec![product]).unwrap();
    world.begin().await.unwrap();
    let near = ["GTXPro", "gtx pro", "GTX  Pro", "GTX Pro 2", ""];
    let deals: Vec<(Deal, &str)> = near.into_iter().map(|value| (world.full_deal("Near"), value)).collect();
    let meant = world.full_deal("Meant");
    for (deal, value) in deals.iter().copied().chain([(meant, "GTX Pro")]) {
        world.force(AVA, deal, &json!({"Product__c": value}));
    }
    world.pass().await;
    for deal in deals.iter().map(|(deal, _)| *deal).chain([meant]) {
        world.accept(deal);
    }
    world.pass().await;
    assert!(world.flag(meant, COMMISSION) && world.flag(meant, STAGE));
    for (deal, value) in deals {
        assert!(!world.flag(deal, QUEUE) && !world.flag(deal, COMMISSION), "{value:?}");
        let state = world.detail(deal).await.state.unwrap();
        assert!(state.concerns.contains(&Concern::UnknownMotion), "{value:?}");
        let status = world.company().status(deal);
        assert!(status.contains("motion is not known to the handoff mapping"), "{value:?}: {status}");
    }
}

#[test]
fn e07_a_contract_without_fields_is_refused() {
    let good = text(CONTRACT);
    let broken = good.split("[[field]]").next().unwrap().to_owned();
    let files = replaced(CONTRACT, &broken);
    assert!(handoff_core::registry::Registry::load(files).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn e14_a_renamed_stage_shuts_the_gates_until_the_mapping_names_it() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Renamed");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let fresh = world.full_deal("Fresh");
    world.org().rename_stage("Negotiation/Review", "Commit").unwrap();
    world.advance(60);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    world.accept(fresh);
    world.pass().await;
    assert!(
        !world.flag(fresh, COMMISSION) && !world.flag(fresh, STAGE),
        "a stage that nobody named opens nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h03_names_and_ids_with_query_syntax_are_only_text() {
    let mut world = Governed::prepare(Options::default()).await;
    let stage = r"O'Brien\' OR Name LIKE '%";
    let mapping = text(MAPPING)
        .replace("[\"Negotiation/Review\"]", &format!("[\"Negotiation/Review\", '''{stage}''']"));
    world.file(MAPPING, &mapping);
    world.begin().await.unwrap();
    let bystander = world.deal("Bystander");
    let deal = world.full_deal(r"Robert'); OR Id != '' \");
    world.org().rename_stage("Perception Analysis", stage).unwrap();
    let saved = json!({"StageName": stage, "NextStep": "' OR '1'='1", "Signing_Authority__c": r"CFO' AND Name LIKE '% \' signs alone up to 10 000"});
    world.force(AVA, deal, &saved);
    let evil = Notice {
        id: "04lxx0000000001".to_owned(),
        object: "Opportunity",
        record: "006xx0000000001' OR Id != '".to_owned(),
    };
    assert_eq!(post(&client(), &world, &path(), message(world.org(), &[evil])).await, 400);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_eq!(world.phase(bystander), Some(Phase::Draft));
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION) && !world.flag(bystander, COMMISSION));
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_a_clone_has_its_own_shut_gates() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Original");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let clone = world.org().clone_record(AVA, deal.sf(), &json!({"Name": "Clone"})).unwrap();
    let clone = Deal::new(Kind::Salesforce, clone.to_string());
    world.pass().await;
    assert!(!world.flag(clone, COMMISSION) && !world.flag(clone, STAGE));
    assert!(world.flag(deal, COMMISSION));
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_deleted_undeleted_and_gone_for_good() {
    let world = Governed::start(Options::default()).await;
    let (back, gone) = (world.full_deal("Back"), world.full_deal("Gone"));
    world.pass().await;
    for deal in [back, gone] {
        world.accept(deal);
    }
    world.pass().await;
    assert!(world.flag(back, COMMISSION));
    world.org().delete(AVA, back.sf()).unwrap();
    world.org().hard_delete(AVA, gone.sf()).unwrap();
    world.pass().await;
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!(world.phase(back), Some(Phase::Voided));
    assert_eq!(world.phase(gone), Some(Phase::Voided));
    world.org().undelete(AVA, back.sf()).unwrap();
    world.org().act(&Act::update(AVA, "Opportunity", back.sf(), &json!({"Amount": 70_000}))).unwrap();
    world.pass().await;
    assert_eq!(world.summary(back).unwrap().handoff.cycle, 2, "its return begins a new cycle");
    assert!(!world.flag(back, COMMISSION), "pay is held until the receiver looks again");
    world.assert_balanced();
}
