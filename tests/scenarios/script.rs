//! A story file: what the company is like, and then one step per line.

use handoffd_tests::crm::Kind;

/// A story as it was written.
pub(crate) struct Script {
    /// The CRMs in which it is played, one after the other.
    pub(crate) crms: Vec<Kind>,
    /// The handoffs that are governed, by number.
    pub(crate) handoffs: Vec<u8>,
    /// What else its head says: key and value, in order.
    pub(crate) settings: Vec<(String, String)>,
    /// Steps and remarks, as they stand in the file.
    pub(crate) lines: Vec<String>,
}

impl Script {
    /// Reads a story: a head of `key: value` lines and remarks up to the first empty line, then the steps.
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) =
            text.split_once("\n\n").unwrap_or_else(|| panic!("a head, an empty line, the steps"));
        let mut script =
            Self { crms: Vec::new(), handoffs: Vec::new(), settings: Vec::new(), lines: Vec::new() };
        for line in head.lines().filter(|line| !line.starts_with('#')) {
            let (key, value) =
                line.split_once(": ").unwrap_or_else(|| panic!("not a line of a head: {line}"));
            match key {
                "crm" => script.crms = value.split_whitespace().map(kind).collect(),
                "handoff" => {
                    script.handoffs =
                        value.split_whitespace().map(|number| number.parse().unwrap()).collect();
                }
                _ => script.settings.push((key.to_owned(), value.to_owned())),
            }
        }
        assert!(!script.crms.is_empty() && !script.handoffs.is_empty(), "a head names crm and handoff");
        script.lines = body.lines().map(str::trim_end).map(str::to_owned).collect();
        script
    }
}

/// A CRM by its name in story files.
pub(crate) fn kind(name: &str) -> Kind {
    match name {
        "salesforce" => Kind::Salesforce,
        "hubspot" => Kind::Hubspot,
        other => panic!("no CRM {other}"),
    }
}

/// The name of a CRM in story files.
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Salesforce => "salesforce",
        Kind::Hubspot => "hubspot",
    }
}

/// A step's words; what stands in quotes is one word.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Seconds in `90s`, `10m`, `26h`, `3d`.
pub(crate) fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.parse().unwrap_or_else(|_| panic!("not a time: {text}"));
    number
        * match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            other => panic!("not a unit of time: {other}"),
        }
}
