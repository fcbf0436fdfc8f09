use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::formula::Formula;
use crate::formula::tests::Save;
use crate::schema::{FieldSchema, FieldType, ObjectSchema};
use crate::value::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../deploy/salesforce")
}

fn opportunity() -> ObjectSchema {
    ObjectSchema::new(
        "Opportunity",
        [
            FieldSchema::new("StageName", FieldType::Picklist, 0),
            FieldSchema::new("Amount", FieldType::Currency, 0),
            FieldSchema::lookup("AccountId", "Account", &["Account"], 0),
        ],
    )
}

/// The standard objects that the package adds to, with the fields that its rules name.
fn standard() -> Vec<ObjectSchema> {
    let user = |name, relationship| FieldSchema::lookup(name, relationship, &["User"], 0);
    let status = || FieldSchema::new("Status", FieldType::Picklist, 0);
    let lead = ObjectSchema::new("Lead", [status(), user("OwnerId", "Owner")]);
    vec![opportunity(), lead, ObjectSchema::new("Case", [status(), user("OwnerId", "Owner")])]
}

/// The shipped files, one of them changed.
fn planted(path_end: &str, change: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let mut hits = 0;
    let files = embedded()
        .iter()
        .map(|(path, text)| {
            if path.ends_with(path_end) {
                hits += 1;
                ((*path).to_owned(), change(text))
            } else {
                ((*path).to_owned(), (*text).to_owned())
            }
        })
        .collect();
    assert_eq!(hits, 1, "{path_end}");
    files
}

#[test]
fn the_embedded_files_are_the_folder() {
    let mut found = Vec::new();
    let mut open = vec![folder()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "xml" || e == "json") {
                let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    let embedded: Vec<(String, String)> = embedded().iter().map(|&(p, t)| (p.into(), t.into())).collect();
    assert_eq!(embedded, found);
    assert_eq!(Package::from_dir(&folder()).unwrap().fields, Package::shipped().unwrap().fields);
}

#[test]
fn the_shipped_package_is_without_defects() {
    let package = Package::shipped().unwrap();
    assert_eq!(package.lint(&standard()), []);
    let counts = [
        package.fields.len(),
        package.rules.len(),
        package.permission_sets.len(),
        package.custom_permissions.len(),
        package.fields.iter().filter(|f| f.track_history && f.object == "Opportunity").count(),
        package.objects.len(),
    ];
    // StageName is the twentieth tracked field
    assert_eq!(counts, [197, 8, 11, 2, 19, 8]);
    let decision = package.field("opportunity", "handoff_03_decision__c").unwrap();
    assert_eq!(
        decision.values.iter().map(|v| v.full_name.as_str()).collect::<Vec<_>>(),
        ["Accept", "Accept with exceptions", "Reject", "Confirm", "Asked again", "Not asked again"]
    );
    assert!(decision.restricted && decision.track_history);
    let lead = package.field("Opportunity", "Onboarding_Lead__c").unwrap().schema(7);
    assert_eq!(
        (lead.relationship.as_deref(), lead.refers_to),
        (Some("Onboarding_Lead__r"), vec!["User".to_owned()])
    );
    let number = package.field("Opportunity", "Handoff_03_Commission_Number__c").unwrap();
    assert_eq!(
        (number.precision, number.scale, number.default_value.as_deref()),
        (Some(1), Some(0), Some("0"))
    );
}

#[test]
fn only_the_integration_set_edits_what_the_daemon_writes() {
    let package = Package::shipped().unwrap();
    let answers = [
        "Decision__c",
        "Reject_Reason__c",
        "Reject_Fields__c",
        "Field_Reasons__c",
        "Exceptions__c",
        "Reask_Fields__c",
        "Asked_Again__c",
        "Had_To_Repeat__c",
    ];
    let is_ours = |field: &str| field.split_once('.').is_some_and(|(_, name)| name.starts_with("Handoff_"));
    let is_answer = |field: &str| answers.iter().any(|answer| field.ends_with(answer));
    let written_by_us =
        |field: &str| field.starts_with("Handoff_") && !answers.iter().any(|answer| field.ends_with(answer));
    let ours = package.fields.iter().filter(|field| written_by_us(&field.full_name)).count();
    for set in &package.permission_sets {
        let editable: Vec<&str> =
            set.field_permissions.iter().filter(|p| p.editable).map(|p| p.field.as_str()).collect();
        let written = editable.iter().filter(|field| is_ours(field) && !is_answer(field)).count();
        if set.full_name == "Handoff_Integration" {
            assert_eq!(written, ours, "the daemon's own fields");
        } else {
            assert_eq!(written, 0, "{} may edit what only the daemon writes", set.full_name);
        }
        let may_answer = editable.iter().any(|field| is_answer(field));
        let receives = ["Integration", "Receiver", "SDR", "Sales", "Support", "CSM"];
        let receives = receives.iter().any(|role| set.full_name == format!("Handoff_{role}"));
        assert_eq!(may_answer, receives, "{}", set.full_name);
        let writer = set.custom_permissions.contains(&"Handoff_Gate_Writer".to_owned());
        assert_eq!(writer, set.full_name == "Handoff_Integration", "{}", set.full_name);
        let bypass = set.custom_permissions.contains(&"Handoff_Gate_Bypass".to_owned());
        assert_eq!(bypass, set.full_name == "Handoff_Break_Glass", "{}", set.full_name);
    }
    let reader = package.permission_sets.iter().find(|s| s.full_name == "Handoff_Reader").unwrap();
    assert_eq!(reader.field_permissions.len(), package.fields.len());
}

type Change = Box<dyn Fn(&str) -> String>;

#[test]
fn planted_defects_are_found() {
    let swap = |from: &'static str, to: &'static str| {
        move |text: &str| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        }
    };
    let long = "x".repeat(256);
    let gate = "Handoff_03_Gate.validationRule-meta.xml";
    let set = "Handoff_Sender.permissionset-meta.xml";
    let cases: Vec<(&str, Change, &str)> = vec![
        (gate, Box::new(swap("<fullName>Handoff_03_Gate<", "<fullName>Handoff_03_Gat<")), "rename the file"),
        (
            gate,
            Box::new(swap("<fullName>Handoff_03_Gate<", "<fullName>Handoff__Gate<")),
            "single underscores",
        ),
        (gate, Box::new(swap("Stage_Open__c)", "Stage_Opn__c)")), "does not exist"),
        (gate, Box::new(swap("ISNEW(),", "ISNEW(,")), "expected a value"),
        (gate, Box::new(swap("AND(\n", "LEN(\"a\") + AND(\n")), "does not take"),
        (
            gate,
            Box::new(swap("ISPICKVAL(StageName, \"Closed Won\"),", "StageName = \"Closed Won\",")),
            "picklist",
        ),
        (gate, Box::new(swap("Gate_Bypass", "Gate_Bypas")), "custom permission Handoff_Gate_Bypas is not"),
        (
            gate,
            Box::new(swap("<errorDisplayField>StageName", "<errorDisplayField>Stage")),
            "errorDisplayField",
        ),
        (
            gate,
            Box::new(move |t| t.replace("<errorMessage>", &format!("<errorMessage>{long}"))),
            "errorMessage has",
        ),
        (
            set,
            Box::new(swap("Opportunity.Champion_Strength__c", "Opportunity.Champion__c")),
            "does not exist",
        ),
        (
            set,
            Box::new(swap("Opportunity.Champion_Strength__c", "Opportunity.Desired_Go_Live__c")),
            "listed twice",
        ),
        (set, Box::new(swap("<readable>true", "<readable>false")), "editable but not readable"),
        (
            "Signing_Authority__c.field-meta.xml",
            Box::new(swap("<required>false", "<required>true")),
            "must not be listed",
        ),
        (
            "Signing_Authority__c.field-meta.xml",
            Box::new(swap("<length>255", "<length>256")),
            "length from 1 to 255",
        ),
        (
            "No_Known_Risks__c.field-meta.xml",
            Box::new(swap("<defaultValue>false", "<defaultValue>0")),
            "defaultValue",
        ),
        (
            "Onboarding_Lead__c.field-meta.xml",
            Box::new(swap("<referenceTo>User</referenceTo>", "")),
            "referenceTo",
        ),
        ("Champion_Strength__c.field-meta.xml", Box::new(swap(">Weak<", ">Strong<")), "listed twice"),
        ("Handoff_Gate_Writer.customPermission-meta.xml", Box::new(str::to_owned), ""),
    ];
    for (file, change, words) in cases {
        let findings = Package::from_files(planted(file, change)).unwrap().lint(&standard());
        let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(words.is_empty(), text.is_empty(), "{words}: {text:?}");
        assert!(words.is_empty() || text.iter().any(|t| t.contains(words)), "{words}: {text:?}");
    }
}

#[test]
fn too_many_tracked_fields_are_found() {
    let all = embedded()
        .iter()
        .map(|(path, text)| (*path, text.replace("<trackHistory>false", "<trackHistory>true")));
    let findings = Package::from_files(all).unwrap().lint(&standard());
    assert!(!findings.is_empty());
    assert!(findings[0].detail.contains("fields have trackHistory"), "{}", findings[0]);
}

#[test]
fn files_that_are_not_metadata_are_refused_by_name() {
    let path = "objects/Opportunity/fields/A__c.field-meta.xml";
    for text in [
        "",
        "<CustomField",
        "<CustomField><fullName>A__c</fullName><type>Text</type>",
        "<Other><fullName>A__c</fullName><type>Text</type></Other>",
        "<CustomField><fullName>A__c</fullName><type>Hologram</type></CustomField>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><CustomField><fullName>&a;</fullName><type>Text</type></CustomField>",
        "<CustomField><fullName>A__c</fullName><type>Text</type></CustomField><CustomField/>x<CustomField></CustomField>",
    ] {
        let error = Package::from_files([(path, text)]).expect_err(text);
        assert!(error.to_string().starts_with(path), "{error}");
    }
    let outside = Package::from_files([("fields/A__c.field-meta.xml", "")]).unwrap_err();
    assert!(outside.to_string().contains("objects/<object>/fields"), "{outside}");
    assert!(Package::from_dir(&folder().join("nowhere")).is_err());
}

#[test]
fn a_custom_object_is_read() {
    let text = "<CustomObject><label>Handoff</label><pluralLabel>Handoffs</pluralLabel><nameField><label>No</label>\
                <type>AutoNumber</type></nameField><deploymentStatus>Deployed</deploymentStatus>\
                <sharingModel>ReadWrite</sharingModel><enableHistory>true</enableHistory></CustomObject>";
    let package = Package::from_files([("objects/Handoff__c/Handoff__c.object-meta.xml", text)]).unwrap();
    assert_eq!(package.objects[0].plural_label, "Handoffs");
    assert!(package.objects[0].enable_history);
}

#[test]
fn a_link_is_not_followed_and_a_large_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("customPermissions");
    std::fs::create_dir(&place).unwrap();
    let target = folder()
        .join("force-app/main/default/customPermissions/Handoff_Gate_Writer.customPermission-meta.xml");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&target, place.join("Link.customPermission-meta.xml")).unwrap();
    std::fs::copy(&target, place.join("Own.customPermission-meta.xml")).unwrap();
    let names: Vec<String> =
        Package::from_dir(dir.path()).unwrap().custom_permissions.into_iter().map(|p| p.full_name).collect();
    assert_eq!(names, ["Own"]);
    std::fs::write(place.join("Big.customPermission-meta.xml"), " ".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(Package::from_dir(dir.path()), Err(MetadataError::TooLarge { .. })));
}

// the shipped rules, as each kind of user meets them

fn compiled(name: &str) -> Formula {
    let package = Package::shipped().unwrap();
    let rule = package.rules.iter().find(|r| r.full_name == name).unwrap();
    compile(&rule.formula)
}

fn compile(formula: &str) -> Formula {
    let mut object = opportunity();
    for field in &Package::shipped().unwrap().fields {
        object.push(field.schema(0));
    }
    Formula::compile(formula, &object).unwrap()
}

const AE: &[&str] = &[];
const DAEMON: &[&str] = &["Handoff_Gate_Writer"];
const GLASS: &[&str] = &["Handoff_Gate_Bypass"];

type Fields = BTreeMap<&'static str, Value>;

fn deal(stage: &str, changes: &[(&'static str, Value)]) -> Fields {
    let mut fields = BTreeMap::from([
        ("StageName", Value::Text(stage.to_owned())),
        ("Handoff_03_In_Queue__c", Value::Bool(false)),
        ("Handoff_03_Stage_Open__c", Value::Bool(false)),
        ("Handoff_03_Commission_Open__c", Value::Bool(false)),
        ("Handoff_03_Commission_Number__c", Value::Number(0.into())),
    ]);
    fields.extend(changes.iter().cloned());
    fields
}

fn refuses(rule: &Formula, by: &[&'static str], old: Option<&Fields>, new: &Fields) -> bool {
    rule.is_true(&Save { new: new.clone(), old: old.cloned(), permissions: by.to_vec() }).unwrap()
}

const OPEN: (&str, Value) = ("Handoff_03_Stage_Open__c", Value::Bool(true));

#[test]
fn the_stage_rule_judges_every_way_into_closed_won() {
    let rule = compiled("Handoff_03_Gate");
    let (shut, open) = (deal("Commit", &[]), deal("Commit", &[OPEN]));
    let (won, won_open) = (deal("Closed Won", &[]), deal("Closed Won", &[OPEN]));
    for (by, old, new, refused, why) in [
        (AE, Some(&shut), &won, true, "update while shut"),
        (AE, Some(&open), &won_open, false, "update while open"),
        (AE, Some(&open), &won, true, "update that shuts in the same save"),
        (AE, None, &won, true, "insert straight at Closed Won"),
        (AE, None, &shut, false, "insert at an earlier stage"),
        (AE, Some(&shut), &shut, false, "edit at an earlier stage"),
        (AE, Some(&won), &won, false, "edit of a deal that is won already"),
        (AE, Some(&won_open), &won, false, "shutting the gate of a won deal"),
        (AE, Some(&won), &shut, false, "leaving Closed Won"),
        (DAEMON, Some(&shut), &won, true, "the integration user is no exception"),
        (DAEMON, None, &won, true, "insert by the integration user"),
        (GLASS, Some(&shut), &won, false, "break glass"),
        (GLASS, None, &won, false, "break glass on insert"),
    ] {
        assert_eq!(refuses(&rule, by, old, new), refused, "{why}");
    }
}

#[test]
fn without_isnew_an_insert_at_closed_won_would_pass() {
    let package = Package::shipped().unwrap();
    let rule = package.rules.iter().find(|r| r.full_name == "Handoff_03_Gate").unwrap();
    let careless = rule.formula.replace("ISNEW(),", "");
    assert_ne!(careless, rule.formula);
    let won = deal("Closed Won", &[]);
    assert!(refuses(&compile(&rule.formula), AE, None, &won));
    assert!(!refuses(&compile(&careless), AE, None, &won));
    // on update both hold
    assert!(refuses(&compile(&careless), AE, Some(&deal("Commit", &[])), &won));
}

#[test]
fn the_field_rule_lets_only_the_writer_open_or_write() {
    let rule = compiled("Handoff_03_Gate_Fields");
    let text = || Value::Text("x".to_owned());
    let written: [(&'static str, Value); 14] = [
        ("Handoff_03_In_Queue__c", Value::Bool(true)),
        ("Handoff_03_Stage_Open__c", Value::Bool(true)),
        ("Handoff_03_Commission_Open__c", Value::Bool(true)),
        ("Handoff_03_Commission_Number__c", Value::Number(1.into())),
        ("Handoff_03_Commission_Status__c", text()),
        ("Handoff_03_Cleared_At__c", Value::DateTime("2026-11-20T09:15:27Z".parse().unwrap())),
        ("Handoff_03_Clearance_Id__c", text()),
        ("Handoff_03_Hold_Reason__c", text()),
        ("Handoff_03_Status__c", text()),
        ("Handoff_03_Missing__c", text()),
        ("Handoff_03_Evidence__c", text()),
        ("Handoff_03_Reask__c", text()),
        ("Handoff_03_Changes__c", text()),
        ("Handoff_03_Numbers__c", text()),
    ];
    let plain = deal("Commit", &[]);
    assert!(!refuses(&rule, AE, None, &plain), "an ordinary insert");
    assert!(
        !refuses(&rule, AE, None, &BTreeMap::from([("StageName", text())])),
        "an insert with nothing set"
    );
    assert!(!refuses(&rule, AE, Some(&plain), &deal("Propose", &[])), "an ordinary edit");
    for change in &written {
        let (name, flag) = (change.0, matches!(change.1, Value::Bool(_)));
        let set = deal("Commit", std::slice::from_ref(change));
        for by in [AE, GLASS] {
            assert!(refuses(&rule, by, Some(&plain), &set), "{name} set by hand");
            assert!(refuses(&rule, by, None, &set), "{name} set on insert, import or clone");
            assert_eq!(refuses(&rule, by, Some(&set), &plain), !flag, "{name} taken back: flags may be shut");
            assert!(
                !refuses(&rule, by, Some(&set), &deal("Propose", std::slice::from_ref(change))),
                "{name} kept"
            );
        }
        assert!(!refuses(&rule, DAEMON, Some(&plain), &set), "{name} by the daemon");
        assert!(!refuses(&rule, DAEMON, None, &set), "{name} by the daemon on insert");
        assert!(!refuses(&rule, DAEMON, Some(&set), &plain), "{name} taken back by the daemon");
    }
}

#[test]
fn a_rep_cannot_open_the_stage_and_use_it_in_one_save() {
    let (shut, forged) = (deal("Commit", &[]), deal("Closed Won", &[OPEN]));
    assert!(!refuses(&compiled("Handoff_03_Gate"), AE, Some(&shut), &forged));
    assert!(refuses(&compiled("Handoff_03_Gate_Fields"), AE, Some(&shut), &forged));
    assert!(refuses(&compiled("Handoff_03_Gate_Fields"), AE, None, &forged));
}
