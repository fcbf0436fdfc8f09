//! Files right and wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Problem, Registry, parse_contract};
use crate::id::ContractId;

const CONTRACT: &str = r#"contract = "h09-a-to-b"
version = 1
title = "A to B"

[opens]
when_stage_becomes = ["commit", "won"]

[roles]
sender = "a"
receiver = "b"

[gates.commission]
kind = "commission"
opens_when = "accepted"
mode = "observe"

[gates.won]
kind = "stage"
opens_when = "accepted"
mode = "enforce"
stages = ["won"]

[[field]]
key = "buyer"
label = "Buyer"
ask = "Who signs?"
parts = { person = "person", authority = "text" }

[[field]]
key = "risks"
label = "Risks"
ask = "What could stop it?"
parts = { risks = { kind = "text", min_chars = 5 } }
none_is_an_answer = true
"#;

const MAPPING: &str = r#"mapping = "salesforce/h09-a-to-b"
contract = "h09-a-to-b"
version = 1
connector = "salesforce"
object = "Opportunity"

[motion]
always = "main"

[stage]
field = "StageName"

[stage.names]
commit = ["Negotiation"]
won = ["Closed Won"]

[read.buyer]
person = { related = "OpportunityContactRoles", where = { Role = "Buyer" }, take = "ContactId" }
authority = { field = "Authority__c" }

[read.risks]
risks = { field = "Risks__c" }
none = { field = "No_Risks__c" }

[people]
sender = { field = "OwnerId" }
receiver = { field = "Lead__c" }

[decision]
field = "Decision__c"
accept = "Accept"
reject = "Reject"
reason = "Reason__c"

[write.gate]
commission = { field = "Commission__c", number = "Number__c" }
won = { field = "Stage_Open__c" }

[write.note]
status = "Status__c"
"#;

fn problems(files: &[(&str, String)]) -> Vec<Problem> {
    Registry::load(files.iter().map(|(path, text)| (*path, text.as_str()))).err().unwrap_or_default()
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the corpus must change something: {from}");
    text.replacen(from, to, 1)
}

/// What a reader of the program sees for each broken contract and mapping: the exact text.
#[test]
fn e10_broken_files_are_refused_with_place_and_remedy() {
    let contracts: &[(&str, &str, &str)] = &[
        ("misspelt key", "mode = \"observe\"", "modee = \"observe\""),
        ("misspelt root key", "title =", "titel ="),
        ("key of nowhere", "[roles]", "[roles]\nfavourite_colour = \"red\""),
        ("misspelt value", "mode = \"enforce\"", "mode = \"enforced\""),
        ("value of nowhere", "kind = \"stage\"", "kind = \"elephant\""),
        ("misspelt kind, short", "authority = \"text\"", "authority = \"txet\""),
        ("misspelt kind, table", "kind = \"text\", min_chars", "kind = \"prose\", min_chars"),
        ("misspelt part rule", "min_chars = 5", "min_char = 5"),
        ("part is a number", "person = \"person\"", "person = 7"),
        ("version as text", "version = 1", "version = \"1\""),
        ("version negative", "version = 1", "version = -1"),
        ("version with a fraction", "version = 1", "version = 1.5"),
        ("version huge", "version = 1", "version = 99999999999999999999"),
        ("version zero", "version = 1", "version = 0"),
        ("title as a list", "title = \"A to B\"", "title = [\"A to B\"]"),
        ("title as a date", "title = \"A to B\"", "title = 2026-01-01"),
        ("stages as text", "stages = [\"won\"]", "stages = \"won\""),
        ("stage as number", "stages = [\"won\"]", "stages = [3]"),
        ("flag as text", "none_is_an_answer = true", "none_is_an_answer = \"yes\""),
        ("opens missing", "[opens]\nwhen_stage_becomes = [\"commit\", \"won\"]\n", ""),
        ("roles incomplete", "receiver = \"b\"\n", ""),
        ("quote not closed", "title = \"A to B\"", "title = \"A to B"),
        ("key twice", "version = 1", "version = 1\nversion = 2"),
        ("no equals sign", "version = 1", "version 1"),
        ("two syntax errors", "version = 1\ntitle = \"A to B\"", "version = \ntitle = nope"),
        (
            "three mistakes",
            "version = 1\ntitle = \"A to B\"\n\n[opens]",
            "version = true\ntitel = \"A\"\n\n[opens]\nwhn = 1",
        ),
        ("opening stages none", "[\"commit\", \"won\"]", "[]"),
        ("sender accepts", "receiver = \"b\"", "receiver = \"b\"\nsender_may_accept = true"),
        ("one role", "receiver = \"b\"", "receiver = \"a\""),
        ("pay on complete", "opens_when = \"accepted\"", "opens_when = \"complete\""),
        ("pay without clause", "mode = \"observe\"", "mode = \"enforce\""),
        ("clause on a stage", "stages = [\"won\"]", "stages = [\"won\"]\nplan_clause = \"x\""),
        ("stage gate guards nothing", "stages = [\"won\"]", "stages = []"),
        ("stages on commission", "mode = \"observe\"", "mode = \"observe\"\nstages = [\"won\"]"),
        ("deadlock (trap c)", "[\"commit\", \"won\"]", "[\"won\"]"),
        (
            "void and open",
            "\"won\"]\n\n[roles]",
            "\"won\"]\nvoid_when_stage_becomes = [\"commit\", \"won\"]\n\n[roles]",
        ),
        ("field twice", "key = \"risks\"", "key = \"buyer\""),
        ("part reserved", "{ risks = {", "{ none = \"flag\", risks = {"),
        ("part twice", "authority = \"text\" }", "authority = \"text\", authority = \"name\" }"),
        ("number on a name", "authority = \"text\"", "authority = { kind = \"name\", needs_number = true }"),
        ("choices on text", "authority = \"text\"", "authority = { kind = \"text\", choices = [\"a\"] }"),
        (
            "choice twice",
            "authority = \"text\"",
            "authority = { kind = \"choice\", choices = [\"a\", \"A \"] }",
        ),
        ("list without columns", "authority = \"text\"", "authority = \"list\""),
        (
            "list in a list",
            "authority = \"text\"",
            "authority = { kind = \"list\", columns = { x = \"list\" } }",
        ),
        ("no parts", "{ person = \"person\", authority = \"text\" }", "{}"),
        ("label empty", "label = \"Buyer\"", "label = \" \""),
        ("key with spaces", "key = \"buyer\"", "key = \"The Buyer\""),
        ("contract name", "contract = \"h09-a-to-b\"", "contract = \"../../etc/passwd\""),
        ("rule syntax", "none_is_an_answer = true", "required_when = \"stage ==\""),
        ("rule unknown name", "none_is_an_answer = true", "required_when = \"amount > 5\""),
        ("rule unknown field", "none_is_an_answer = true", "required_when = \"fields.buyr.person == ''\""),
        ("rule unknown part", "none_is_an_answer = true", "required_when = \"fields.buyer.persn == ''\""),
        ("rule is no question", "none_is_an_answer = true", "required_when = \"'yes'\""),
        ("rule loops", "none_is_an_answer = true", "required_when = \"[1,2].all(x, x > 0)\""),
        ("clock zero", "[gates.won]", "[sla]\naccept_within_hours = 0\n\n[gates.won]"),
        ("control signs", "title = \"A to B\"", "titl\\u0007 = 1"),
    ];
    let mappings: &[(&str, &str, &str)] = &[
        ("misspelt section", "[people]", "[poeple]"),
        ("misspelt path key", "{ field = \"Risks__c\" }", "{ feild = \"Risks__c\" }"),
        ("path is text", "{ field = \"Risks__c\" }", "\"Risks__c\""),
        ("path both ways", "{ field = \"Risks__c\" }", "{ field = \"Risks__c\", take = \"X\" }"),
        ("path without take", ", take = \"ContactId\"", ""),
        (
            "where without related",
            "{ field = \"Risks__c\" }",
            "{ field = \"Risks__c\", where = { A = \"b\" } }",
        ),
        ("contract unknown", "contract = \"h09-a-to-b\"", "contract = \"h09-a-to-c\""),
        ("version unknown", "version = 1", "version = 2"),
        ("part not mapped", "authority = { field = \"Authority__c\" }\n", ""),
        ("none not mapped", "none = { field = \"No_Risks__c\" }\n", ""),
        ("part of nowhere", "authority = {", "autority = {"),
        ("field of nowhere", "[read.risks]", "[read.riscs]"),
        ("gate not mapped", "won = { field = \"Stage_Open__c\" }\n", ""),
        ("gate of nowhere", "won = { field", "wonn = { field"),
        (
            "gate with one value",
            "{ field = \"Stage_Open__c\" }",
            "{ field = \"Stage_Open__c\", open = false }",
        ),
        (
            "gate with a table",
            "{ field = \"Stage_Open__c\" }",
            "{ field = \"Stage_Open__c\", open = { a = 1 } }",
        ),
        (
            "gate with a date",
            "{ field = \"Stage_Open__c\" }",
            "{ field = \"Stage_Open__c\", open = 2026-01-01 }",
        ),
        ("duplicate target", "Stage_Open__c", "commission__C"),
        ("duplicate target, note", "status = \"Status__c\"", "status = \"Number__c\""),
        ("target is read", "Stage_Open__c", "Risks__c"),
        ("target is the stage", "Stage_Open__c", "StageName"),
        ("target is the decision", "Stage_Open__c", "Decision__c"),
        ("stage not named", "commit = [\"Negotiation\"]\n", ""),
        ("stage value twice", "commit = [\"Negotiation\"]", "commit = [\"Negotiation\", \"Closed Won\"]"),
        ("stage without values", "commit = [\"Negotiation\"]", "commit = []"),
        ("one answer", "reject = \"Reject\"", "reject = \"Accept\""),
        ("one person field", "\"Lead__c\"", "\"OwnerId\""),
        ("decision is the stage", "field = \"Decision__c\"", "field = \"StageName\""),
        ("decision in the package", "\"Authority__c\"", "\"Decision__c\""),
        (
            "submit without effect",
            "[write.gate]",
            "[submit]\nfield = \"S__c\"\nvalue = \"Yes\"\n\n[write.gate]",
        ),
        ("injection in a field", "\"Authority__c\"", "\"Id FROM User WHERE Name LIKE '%'--\""),
        ("injection in a relation", "\"OpportunityContactRoles\"", "\"OpportunityContactRoles) FROM X\""),
        ("injection in a where key", "{ Role = \"Buyer\" }", "{ \"Role = 'x' OR Id\" = \"Buyer\" }"),
        ("injection in a target", "Stage_Open__c", "Stage_Open__c\\\"}"),
        ("object injection", "object = \"Opportunity\"", "object = \"Opportunity/../User\""),
        ("who misspelt", "reason = \"Reason__c\"", "reason = \"Reason__c\"\nwho = \"field_histroy\""),
    ];
    let mut told = String::new();
    for (name, from, to) in contracts {
        let found = problems(&[("contracts/h09.v1.toml", changed(CONTRACT, from, to))]);
        assert!(!found.is_empty(), "contract accepted: {name}");
        tell(&mut told, "contract", name, &found);
    }
    for (name, from, to) in mappings {
        let files = [
            ("contracts/h09.v1.toml", CONTRACT.to_owned()),
            ("salesforce/h09.toml", changed(MAPPING, from, to)),
        ];
        let found = problems(&files);
        assert!(!found.is_empty(), "mapping accepted: {name}");
        tell(&mut told, "mapping", name, &found);
    }
    insta::assert_snapshot!("broken_files", told);
}

fn tell(told: &mut String, kind: &str, name: &str, found: &[Problem]) {
    writeln!(told, "== {kind}: {name}").unwrap();
    for problem in found {
        writeln!(told, "{problem}").unwrap();
    }
}

#[test]
fn the_unbroken_originals_of_the_corpus_load() {
    let files = [("contracts/h09.v1.toml", CONTRACT), ("salesforce/h09.toml", MAPPING)];
    let registry = Registry::load(files).unwrap();
    assert_eq!(registry.contracts().count(), 1);
    assert_eq!(registry.mappings().count(), 1);
}

#[test]
fn the_message_has_file_line_column_and_suggestion() {
    let found = problems(&[(
        "mappings/contracts/h09.v1.toml",
        changed(CONTRACT, "mode = \"observe\"", "modee = \"observe\""),
    )]);
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(lines.contains(
        &"mappings/contracts/h09.v1.toml:15:1: unknown key \"modee\" in [gates.commission]; did you mean \"mode\"?".to_owned()
    ), "{lines:?}");
}

#[test]
fn e07_empty_contract_file_is_refused() {
    for text in ["", "\n\n", "# nothing\n"] {
        let found = problems(&[("contracts/h09.v1.toml", text.to_owned())]);
        assert_eq!(found.len(), 7, "each missing key is told: {found:?}");
    }
}

#[test]
fn e07_contract_without_fields_gates_or_parts_is_refused() {
    let head = CONTRACT.split("[[field]]").next().unwrap();
    let told = |text: String| {
        problems(&[("contracts/h09.v1.toml", text)]).iter().map(ToString::to_string).collect::<String>()
    };
    assert!(told(format!("field = []\n{head}")).contains("the contract has no fields"));
    assert!(told(head.to_owned()).contains("missing key \"field\""));
    let gateless = CONTRACT.replace("[gates.commission]\nkind = \"commission\"\nopens_when = \"accepted\"\nmode = \"observe\"\n", "[gates]\n")
        .replace("[gates.won]\nkind = \"stage\"\nopens_when = \"accepted\"\nmode = \"enforce\"\nstages = [\"won\"]\n", "");
    assert!(told(gateless).contains("the contract has no gates"));
}

#[test]
fn e10_all_files_are_told_and_nothing_is_loaded() {
    let bad = changed(CONTRACT, "title =", "titel =");
    let found = problems(&[
        ("contracts/a.toml", bad.clone()),
        ("contracts/b.toml", bad),
        ("x/m.toml", MAPPING.to_owned()),
    ]);
    let files: BTreeSet<&str> = found.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, BTreeSet::from(["contracts/a.toml", "contracts/b.toml"]));
}

#[test]
fn e10_two_mappings_may_not_write_one_field() {
    let other_contract = CONTRACT.replace("h09-a-to-b", "h10-b-to-c");
    let other = MAPPING.replace("h09-a-to-b", "h10-b-to-c");
    let files = [
        ("contracts/a.toml", CONTRACT.to_owned()),
        ("contracts/b.toml", other_contract),
        ("x/a.toml", MAPPING.to_owned()),
        ("x/b.toml", other),
    ];
    let found = problems(&files);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|problem| problem.file == "x/b.toml"));
    assert!(found.first().unwrap().message.contains("is written by mapping \"salesforce/h09-a-to-b\" too"));
}

#[test]
fn two_versions_of_a_contract_live_side_by_side_in_the_same_fields() {
    let registry = Registry::load([
        ("contracts/a.v1.toml", CONTRACT.to_owned()),
        ("contracts/a.v2.toml", CONTRACT.replace("version = 1", "version = 2")),
        ("x/a.v1.toml", MAPPING.to_owned()),
        (
            "x/a.v2.toml",
            MAPPING
                .replace("version = 1", "version = 2")
                .replace("mapping = \"salesforce/h09", "mapping = \"salesforce/v2-h09"),
        ),
    ])
    .unwrap();
    let id = ContractId::from("h09-a-to-b");
    assert_eq!(registry.latest(&id).unwrap().contract.version, 2);
    let first = registry.contract(&id, 1).unwrap();
    assert_eq!(registry.pinned(&first.reference), Some(first));
    let mut forged = first.reference.clone();
    forged.digest = crate::digest::Digest::of_bytes(b"another text");
    assert_eq!(registry.pinned(&forged), None, "a pin means exactly one text");
}

#[test]
fn the_same_version_twice_is_refused() {
    let found =
        problems(&[("contracts/a.toml", CONTRACT.to_owned()), ("contracts/b.toml", format!("{CONTRACT}\n"))]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found.first().unwrap().to_string(),
        "contracts/b.toml:2:1: contract h09-a-to-b has version 1 twice; give each version its own number"
    );
}

#[test]
fn caps_hold() {
    let long = format!("{CONTRACT}\n# {}", "x".repeat(super::MAX_FILE_BYTES));
    assert!(problems(&[("contracts/a.toml", long)]).first().unwrap().message.contains("bytes"));
    let many = (0..=super::MAX_FILES).map(|each| (format!("contracts/{each}.toml"), "x ="));
    let found = Registry::load(many).unwrap_err();
    assert!(found.iter().any(|problem| problem.message.contains("too many files")));
    let deep = format!("x = {}", "[".repeat(50_000));
    assert!(!problems(&[("contracts/a.toml", deep)]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn e10_any_text_is_read_or_refused(text in ".{0,400}") {
        let _ = Registry::load([("contracts/a.toml", text.as_str()), ("x.toml", text.as_str())]);
    }

    #[test]
    fn e10_any_mutilated_file_is_read_or_refused(cut in 0_usize..2_000, length in 0_usize..60, insert in "[\\[\\]{}=\",.a-z0-9\\n -]{0,12}", which in any::<bool>()) {
        let base = if which { CONTRACT } else { MAPPING };
        let start = cut.min(base.len());
        let end = (start + length).min(base.len());
        let text = format!("{}{insert}{}", &base[..start], &base[end..]);
        let _ = Registry::load([("contracts/a.toml", CONTRACT), ("x.toml", text.as_str())]);
        if let Ok(contract) = parse_contract("a", &text) {
            // What the strict reader takes, serde takes the same way.
            prop_assert_eq!(toml::from_str::<crate::contract::Contract>(&text).unwrap(), contract);
        }
    }

    #[test]
    fn positions_stay_inside(text in "(?s).{0,80}", offset in 0_usize..200) {
        let (line, column) = super::problem::position(&text, offset);
        prop_assert!(line >= 1 && column >= 1);
    }
}
