use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Calls as _, Cursor};
use handoff_core::evidence::{LinkKind, suggest};
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_gong::seed;

use crate::talk::Talk;

#[tokio::test]
async fn the_seeded_calls_speak_of_the_fields_of_handoff_03() {
    let talk = Talk::start().await;
    let now = talk.workspace().now();
    let links = |number: usize| vec![handoff_sandbox_gong::Link::deal("HubSpot", &number.to_string())];
    for call in seed::company_calls(now, &links) {
        talk.add(call);
    }
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.evidence("gong/h03-ae-to-onboarding").unwrap();
    let (calls, _) = talk.pass(&Cursor::beginning()).await;
    let mut spoken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in &calls {
        let deal = call.links.iter().find(|link| link.kind == LinkKind::Deal).unwrap();
        let words = talk.lead(talk.gong.transcripts(std::slice::from_ref(&call.id))).await.unwrap();
        let found = suggest(mapping, call, words[0].as_ref().unwrap());
        let fields = found.into_iter().map(|one| one.spot.field.0);
        spoken.entry(deal.id.clone()).or_default().extend(fields);
    }
    assert_eq!(spoken.len(), 12);
    assert_eq!(spoken["7"].len(), 8, "everything: {:?}", spoken["7"]);
    assert!(spoken["6"].contains("economic_buyer") && !spoken["6"].contains("go_live"), "{:?}", spoken["6"]);
    talk.behaved();
}
