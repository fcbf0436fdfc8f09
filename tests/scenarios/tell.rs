//! What is told of a story: each step with what came of it. Where the CRMs agree it is told once.

use handoffd_tests::crm::Kind;

use crate::script;

/// What came of each line of the story, in one CRM.
pub(crate) type Told = Vec<Vec<String>>;

/// One text for all CRMs in which the story was played.
pub(crate) fn together(lines: &[String], played: &[(Kind, Told)]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text.push_str(line);
        text.push('\n');
        let blocks: Vec<(Kind, &[String])> = played
            .iter()
            .map(|(kind, told)| (*kind, told.get(index).map_or(&[][..], Vec::as_slice)))
            .collect();
        for told in merged(&blocks) {
            text.push_str("    ");
            text.push_str(&told);
            text.push('\n');
        }
    }
    text
}

/// Lines that all say stand once; what only one of two says stands under its name.
fn merged(blocks: &[(Kind, &[String])]) -> Vec<String> {
    match blocks {
        [(_, only)] => only.to_vec(),
        [(left, ours), (right, theirs)] => {
            let mut told = Vec::new();
            let (mut ours, mut theirs) = (*ours, *theirs);
            loop {
                match (ours, theirs) {
                    ([first, rest @ ..], [other, others @ ..]) if first == other => {
                        told.push(first.clone());
                        (ours, theirs) = (rest, others);
                    }
                    ([], []) => return told,
                    _ => {
                        // The nearest line that both say; all before it belongs to one alone.
                        let (skip, over) = nearest(ours, theirs);
                        told.extend(ours.iter().take(skip).map(|line| alone(*left, line)));
                        told.extend(theirs.iter().take(over).map(|line| alone(*right, line)));
                        ours = ours.get(skip..).unwrap_or_default();
                        theirs = theirs.get(over..).unwrap_or_default();
                    }
                }
            }
        }
        _ => panic!("a story is played in one CRM or in two"),
    }
}

fn alone(kind: Kind, line: &str) -> String {
    format!("[{}] {line}", script::name(kind))
}

/// How many lines of each have to go until both go on with the same; all if they never do.
fn nearest(ours: &[String], theirs: &[String]) -> (usize, usize) {
    let mut found = (ours.len(), theirs.len());
    for (skip, line) in ours.iter().enumerate() {
        if let Some(over) = theirs.iter().position(|other| other == line)
            && skip + over < found.0 + found.1
        {
            found = (skip, over);
        }
    }
    found
}
