//! Shows a scene through the daemon: one governed record as it should be, and one for every way in which a part can be junk or missing.

use std::collections::BTreeSet;

use handoff_core::completeness::{Finding, Problem};
use handoff_core::contract::Condition;
use handoff_core::handoff::Phase;
use handoff_core::id::{ContractId, RecordRef};
use handoffd::view::{Detail, Filter};
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::stage::face::{Cast, Face, perform};
use handoffd_tests::stage::govern::govern;
use handoffd_tests::stage::table::{Junk, Made, Missing, ROOT, Scene};

/// One way in which a package is not whole.
struct Flaw {
    field: &'static str,
    part: &'static str,
    missing: bool,
    along: Option<&'static str>,
    cast: Cast,
}

/// Shows every part of every field of a scene's contract.
pub(crate) async fn show(face: &dyn Face, crms: &'static [Kind], scene: Scene) {
    let mut world = set(face, crms, &[&scene]).await;
    show_in(face, &world, &scene, &Cast::new()).await;
    world.stop().await;
}

/// A running daemon that governs the scenes' contracts and nothing else.
pub(crate) async fn set(face: &dyn Face, crms: &'static [Kind], scenes: &[&Scene]) -> Governed {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    govern(face, &mut world, scenes);
    for scene in scenes {
        covers(&world, scene);
    }
    face.prepare(&world);
    world.begin().await.unwrap();
    world
}

/// Shows every part of every field where the scene's contract is governed. What is given is there already and plays in every performance.
pub(crate) async fn show_in(face: &dyn Face, world: &Governed, scene: &Scene, given: &Cast) {
    let whole = perform(face, world, &scene.made, given).unwrap();
    let flaws = flaws(face, world, scene, given);
    world.pass().await;
    found(world, scene, &whole).await;
    for flaw in &flaws {
        flawed(face, world, scene, flaw).await;
    }
    world.assert_accounted();
}

/// The table speaks of exactly the contract's fields and parts.
fn covers(world: &Governed, scene: &Scene) {
    let registry = world.registry().unwrap();
    let contract = &registry.latest(&ContractId::from(scene.contract)).unwrap().contract;
    let asked: BTreeSet<(&str, &str)> = contract
        .fields
        .iter()
        .flat_map(|field| field.parts.keys().map(|part| (field.key.as_str(), part.as_str())))
        .collect();
    let told: BTreeSet<(&str, &str)> = scene.parts.iter().map(|part| (part.field, part.part)).collect();
    assert_eq!(told, asked, "{}", scene.contract);
}

fn flaws(face: &dyn Face, world: &Governed, scene: &Scene, given: &Cast) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for part in &scene.parts {
        let mut flaw = |missing: bool, made: &[Made]| {
            let cast = perform(face, world, made, given).unwrap();
            flaws.push(Flaw { field: part.field, part: part.part, missing, along: part.along, cast });
        };
        match &part.junk {
            Junk::Says(on, column, value) => flaw(false, &changed(&scene.made, on, column, Some(value))),
            Junk::Refused(on, column, value) => {
                let refused = perform(face, world, &changed(&scene.made, on, column, Some(value)), given);
                assert!(refused.is_err(), "{}.{}: the CRM takes {value}", part.field, part.part);
            }
            Junk::Impossible => {}
        }
        match &part.missing {
            Missing::Empty(columns) => {
                let empty = |made: Vec<Made>, (on, column): &(&str, &str)| changed(&made, on, column, None);
                flaw(true, &columns.iter().fold(scene.made.clone(), empty));
            }
            Missing::Without(names) => {
                let rest: Vec<Made> =
                    scene.made.iter().filter(|made| !names.contains(&made.name)).cloned().collect();
                assert_eq!(rest.len() + names.len(), scene.made.len(), "{names:?}");
                flaw(true, &rest);
            }
            Missing::Other(columns) => {
                let other = |made: Vec<Made>, (on, column, value): &(&str, &str, serde_json::Value)| {
                    changed(&made, on, column, Some(value))
                };
                flaw(true, &columns.iter().fold(scene.made.clone(), other));
            }
            Missing::Unlinked(on, other) => {
                let mut made = scene.made.clone();
                let one = made.iter_mut().find(|one| one.name == *on).unwrap();
                one.links.retain(|(name, _)| name != other);
                flaw(true, &made);
            }
            Missing::Never => {}
        }
    }
    flaws
}

/// The records with one column of one of them changed.
fn changed(made: &[Made], on: &str, column: &str, value: Option<&serde_json::Value>) -> Vec<Made> {
    let mut made = made.to_vec();
    let one = made.iter_mut().find(|one| one.name == on).unwrap();
    let before = one.fields.len();
    one.fields.retain(|(name, _)| *name != column);
    assert!(one.fields.len() < before, "{on} has no {column}");
    if let Some(value) = value {
        // The name is that of the table, which lives as long as the test.
        one.fields.push((column.to_owned().leak(), value.clone()));
    }
    made
}

/// The newest cycle of a record under a contract.
pub(crate) async fn detail(world: &Governed, contract: &str, record: &RecordRef) -> Detail {
    let contract = Some(ContractId::from(contract));
    let filter = Filter { record: Some(record.clone()), contract, ..Filter::default() };
    let view = world.handle().view();
    let summary = view.handoffs(&filter).into_iter().next();
    let summary = summary.unwrap_or_else(|| panic!("no handoff of {record}"));
    view.handoff(&summary.stream).await.unwrap().unwrap()
}

/// The whole package is complete, and each value stands where the table says.
async fn found(world: &Governed, scene: &Scene, cast: &Cast) {
    let detail = detail(world, scene.contract, cast.get(ROOT).unwrap()).await;
    let verdict = detail.verdict.unwrap();
    assert_eq!(verdict.missing, vec![], "{}", scene.contract);
    assert_eq!(detail.summary.phase, Phase::Complete, "{}", detail.summary.status);
    let package = detail.state.unwrap().package;
    for part in &scene.parts {
        let (field, key) = (part.field.into(), part.part.into());
        let value = package.get(&field).and_then(|parts| parts.get(&key));
        let value = value.unwrap_or_else(|| panic!("{}.{} was not found", part.field, part.part));
        assert_eq!(Some(&value.from), cast.get(part.on), "{}.{} was found elsewhere", part.field, part.part);
        if let Some(expected) = &part.value {
            assert_eq!(
                serde_json::to_value(&value.value).unwrap(),
                *expected,
                "{}.{}",
                part.field,
                part.part
            );
        }
    }
}

/// Exactly the flawed field is missing, in words that name the part, and every gate that waits for completeness is shut.
async fn flawed(face: &dyn Face, world: &Governed, scene: &Scene, flaw: &Flaw) {
    let root = flaw.cast.get(ROOT).unwrap();
    let detail = detail(world, scene.contract, root).await;
    let (field, part) = (flaw.field, flaw.part);
    let case = format!("{}: {field}.{part}, missing: {}", scene.contract, flaw.missing);
    assert_eq!(detail.summary.phase, Phase::Draft, "{case}");
    let verdict = detail.verdict.unwrap();
    let of_it = |finding: &Finding| {
        finding.field.as_str() == field && finding.part.as_ref().is_none_or(|key| key.as_str() == part)
    };
    assert!(verdict.missing.iter().any(of_it), "{case}: {:?}", verdict.missing);
    let known = |name: &str| name == field || flaw.along == Some(name);
    assert!(
        verdict.missing.iter().all(|finding| known(finding.field.as_str())),
        "{case}: {:?}",
        verdict.missing
    );
    let empty = |finding: &Finding| of_it(finding) && finding.problem == Problem::Empty;
    assert_eq!(verdict.missing.iter().any(empty), flaw.missing, "{case}: {:?}", verdict.missing);
    let registry = world.registry().unwrap();
    let mapping = registry.mapping(scene.mapping).unwrap();
    let contract = &registry.latest(&ContractId::from(scene.contract)).unwrap().contract;
    for (name, gate) in &contract.gates {
        assert!(matches!(gate.opens_when, Condition::Complete | Condition::Accepted));
        assert_eq!(verdict.gates.get(name), Some(&false), "{case}: {name}");
        let write = mapping.write.gate.get(name).unwrap();
        let stands = face.field(world, root.object.as_str(), root.record.as_str(), &write.field);
        assert_ne!(stands, write.open, "{case}: {name}");
    }
}
