//! Tables as an admin writes them, and the way that each is.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> ReadPath {
    #[derive(Deserialize)]
    struct File {
        path: ReadPath,
    }
    toml::from_str::<File>(&format!("path = {text}")).unwrap().path
}

fn astray(text: &str) -> Astray {
    read(text).way().unwrap_err()
}

#[test]
fn every_way_is_read() {
    assert_eq!(read(r#"{ field = "Account.Industry" }"#).way(), Ok(Way::Field("Account.Industry")));
    let path =
        read(r#"{ related = "Cases", of = "AccountId", where = { Status = ["New", "Open"] }, take = "Id" }"#);
    let Ok(Way::Take(rows, "Id")) = path.way() else { panic!("{path:?}") };
    assert_eq!((rows.related, rows.of, rows.window), ("Cases", Some("AccountId"), None));
    assert_eq!(rows.matching["Status"].values(), ["New", "Open"]);
    assert!(matches!(read(r#"{ related = "R", count = true }"#).way(), Ok(Way::Count(_))));
    let path = read(r#"{ related = "R", newest = "D", window = { days = 90, before = "opening" } }"#);
    let Ok(Way::Newest(rows, "D")) = path.way() else { panic!("{path:?}") };
    assert_eq!(rows.window, Some(("D", Window { days: 90, before: Anchor::Opening })));
    assert!(matches!(read(r#"{ related = "R", oldest = "D" }"#).way(), Ok(Way::Oldest(_, "D"))));
    let path = read(
        r#"{ related = "R", rows = { a = "F", n = "count()" }, dated = "D", window = { days = 1, before = "opening" } }"#,
    );
    let way = path.way().unwrap();
    assert_eq!(way.columns(), ["D", "F"]);
    let path = read(r#"{ related = "R", series = { at = "D", value = "V", by = "week", per = "P" } }"#);
    assert_eq!(path.way().unwrap().columns(), ["D", "V", "P"]);
    let path = read(r#"{ feed = "usage", key = "External__c", count = true }"#);
    let way = path.way().unwrap();
    assert_eq!(way.own_field(), Some("External__c"));
    assert_eq!(way.child_rows().map(Rows::relation).as_deref(), Some("feed:usage:External__c"));
    let path = read(
        r#"{ carried = { contract = "h03-x", through = "Opportunity__c" }, take = "success_criteria.criteria" }"#,
    );
    let Ok(Way::Carried { contract, link: Link::Through("Opportunity__c"), field, part }) = path.way() else {
        panic!("{path:?}")
    };
    assert_eq!((contract.as_str(), field.as_str(), part.as_str()), ("h03-x", "success_criteria", "criteria"));
    let path = read(
        r#"{ carried = { contract = "h03-x", related = "deals", where = { label = "Sold" } }, take = "a.b" }"#,
    );
    assert_eq!(path.way().unwrap().columns(), ["label"]);
    assert_eq!(path.way().unwrap().own_field(), None);
}

#[test]
fn what_is_no_way_or_two_is_named_with_a_remedy() {
    for (text, message) in [
        ("{}", "names neither field, related, feed, carried nor icp"),
        (r#"{ take = "F" }"#, "names neither field, related, feed, carried nor icp"),
        (r#"{ icp = "match", field = "F" }"#, "names both field and icp"),
        (r#"{ icp = "match", take = "F" }"#, "has take, which does not go with icp"),
        (r#"{ field = "F", related = "R" }"#, "names both field and related"),
        (r#"{ field = "F", take = "G" }"#, "has take, which does not go with field"),
        (r#"{ field = "F", where = { A = "b" } }"#, "has where, which does not go with field"),
        (r#"{ field = "F", of = "AccountId" }"#, "has of, which does not go with field"),
        (r#"{ related = "R" }"#, "names rows, but not what to make of them"),
        (r#"{ related = "R", take = "F", count = true }"#, "asks for take and count at once"),
        (r#"{ related = "R", newest = "F", oldest = "F" }"#, "asks for newest and oldest at once"),
        (r#"{ related = "R", count = true, key = "F" }"#, "has key, which does not go with related"),
        (r#"{ related = "R", count = true, dated = "D" }"#, "has dated without window"),
        (
            r#"{ related = "R", count = true, window = { days = 9, before = "opening" } }"#,
            "has window without dated",
        ),
        (r#"{ feed = "usage" }"#, "has feed without key"),
        (r#"{ feed = "usage", key = "F", take = "G", count = true }"#, "asks for take and count at once"),
        (r#"{ carried = { contract = "c", through = "F" } }"#, "has carried without take"),
        (
            r#"{ carried = { contract = "c", through = "F" }, take = "criteria" }"#,
            "carries something that is not one part of one field",
        ),
        (
            r#"{ carried = { contract = "c", through = "F" }, take = "a.b.c" }"#,
            "carries something that is not one part of one field",
        ),
        (r#"{ carried = { contract = "c" }, take = "a.b" }"#, "has carried without through"),
        (
            r#"{ carried = { contract = "c", through = "F", related = "R" }, take = "a.b" }"#,
            "names both through and related",
        ),
    ] {
        let astray = astray(text);
        assert_eq!(astray.to_string(), message, "{text}");
        assert!(!astray.remedy().is_empty());
    }
}

#[test]
fn an_unknown_key_is_refused() {
    for text in [r#"{ field = "F", fiel = "G" }"#, r#"{ related = "R", series = { at = "D", by = "year" } }"#]
    {
        assert!(toml::from_str::<BTreeMap<String, ReadPath>>(&format!("path = {text}")).is_err(), "{text}");
    }
}

fn any_path() -> impl Strategy<Value = ReadPath> {
    let name = || prop::option::of("[a-z]{1,3}(\\.[a-z]{1,2}){0,2}");
    let wanted = prop_oneof![
        "[a-z]{0,2}".prop_map(Wanted::One),
        prop::collection::vec("[a-z]{0,2}", 0..3).prop_map(Wanted::Any)
    ];
    let matching = prop::collection::btree_map("[a-z]{1,2}", wanted, 0..2);
    let series = prop::option::of(("[a-z]{1,2}", name(), name()).prop_map(|(at, value, per)| SeriesPath {
        at,
        value,
        by: Step::Week,
        per,
    }));
    let rows = prop::option::of(prop::collection::btree_map("[a-z]{1,2}", "[a-z]{1,2}", 0..3));
    let window = prop::option::of(any::<u32>().prop_map(|days| Window { days, before: Anchor::Opening }));
    let carried = prop::option::of((name(), name()).prop_map(|(through, related)| CarriedPath {
        contract: "h03".into(),
        through,
        related,
        matching: BTreeMap::new(),
    }));
    let ends = (name(), any::<bool>(), name(), name(), rows, series);
    let icp = prop::option::of(prop_oneof![Just(IcpTake::Match), Just(IcpTake::Version)]);
    let starts = (name(), name(), name(), name(), carried, icp);
    (starts, ends, matching, name(), name(), window).prop_map(
        |(starts, ends, matching, of, dated, window)| {
            let (field, related, feed, key, carried, icp) = starts;
            let (take, count, newest, oldest, rows, series) = ends;
            ReadPath {
                field,
                related,
                of,
                matching,
                take,
                count,
                newest,
                oldest,
                rows,
                series,
                dated,
                window,
                feed,
                key,
                carried,
                icp,
            }
        },
    )
}

proptest! {
    #[test]
    fn any_table_is_one_way_or_none_and_says_which(path in any_path()) {
        let starts = [path.field.is_some(), path.related.is_some(), path.feed.is_some(), path.carried.is_some(), path.icp.is_some()];
        let many = starts.iter().filter(|set| **set).count();
        match path.way() {
            Ok(way) => {
                prop_assert_eq!(many, 1);
                prop_assert!(way.own_field().is_none() || way.child_rows().is_none());
                // Nothing that was written is left unheard.
                let heard = way.child_rows().is_some_and(|rows| rows.window.is_some());
                prop_assert_eq!(heard, path.window.is_some());
                prop_assert!(path.matching.is_empty() || way.child_rows().is_some());
            }
            Err(astray) => prop_assert!(!astray.remedy().is_empty() && !astray.to_string().is_empty()),
        }
    }

    #[test]
    fn a_path_is_read_as_it_was_written(path in any_path()) {
        let text = toml::to_string(&path).unwrap();
        prop_assert_eq!(toml::from_str::<ReadPath>(&text).unwrap(), path);
    }
}
