//! The questions, as they stand in a task, and what people write into it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use handoff_core::concrete::{Side, TestKind, TestRun, question_id};
use handoff_core::obligation::{Obligation, ObligationKind};

/// Most characters of one answer that are read.
const MOST: usize = 1_000;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Its key.
    pub key: &'static str,
    /// As it is asked.
    pub words: &'static str,
}

/// What a test asks each of its sides.
pub fn questions(kind: TestKind) -> &'static [Question] {
    match kind {
        TestKind::H01 => {
            &[Question { key: "trigger", words: "What was their buying trigger, in your own words?" }]
        }
        TestKind::H02 => &[
            Question { key: "pain", words: "What is the prospect's pain?" },
            Question {
                key: "timeline",
                words: "What is the timeline: by when, and what makes it that date?",
            },
            Question { key: "competition", words: "Whom else do they talk to? Write \"none\" if nobody." },
        ],
        TestKind::H04 => &[
            Question { key: "features", words: "Which three features does the customer use most?" },
            Question {
                key: "trainings",
                words: "Which training sessions were skipped? Write \"none\" if none was.",
            },
            Question {
                key: "stakeholders",
                words: "Which two stakeholders' engagement dropped during onboarding? Name them by their role; write \"none\" if nobody's.",
            },
        ],
        TestKind::H06 => &[Question {
            key: "owner",
            words: "Who owns the relationship with this customer while the cross-sell is active? Write one name, as he logs in, or \"me\".",
        }],
    }
}

/// The sides' tasks that a test is still owed: what people are asked, and never what the package says.
pub fn obligations(test: &str, run: &TestRun) -> Vec<Obligation> {
    let kind = run.draw.kind;
    let one = |side: Side| {
        let owner = run.asked.get(&side)?.clone();
        Some(Obligation {
            id: question_id(test, side),
            kind: ObligationKind::Test,
            owner,
            role: None,
            due: Some(run.due),
            title: title(kind).to_owned(),
            text: text(kind, &run.handoff.subject.record.0),
            about: run.handoff.subject.clone(),
            // What one side writes must not stand where the other side reads.
            apart: kind == TestKind::H06,
        })
    };
    run.waits_for().into_iter().filter_map(one).collect()
}

fn title(kind: TestKind) -> &'static str {
    match kind {
        TestKind::H01 => "From memory: why does this lead buy now?",
        TestKind::H02 => "From memory, before the first call: pain, timeline, competition",
        TestKind::H04 => "From memory: how does this customer use us?",
        TestKind::H06 => "From memory: who owns this relationship?",
    }
}

fn text(kind: TestKind, record: &str) -> String {
    let mut text = format!(
        "Answer from memory: do not open the record, a recording or a chat. It tests whether the handoff told you what matters, not you. Write behind \
         each \"Answer\" and mark this task as done. (Record {record})\n"
    );
    for (number, question) in (1..).zip(questions(kind)) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{number}. {}\nAnswer {number}: \n", question.words);
    }
    text
}

/// What was written into a task's text: question → answer; questions that were left empty are left out. Where there is one question only and its
/// mark is gone, everything that is not ours is the answer.
pub fn answers(kind: TestKind, record: &str, written: &str) -> BTreeMap<String, String> {
    let questions = questions(kind);
    let mut found = BTreeMap::new();
    for (number, question) in (1..).zip(questions) {
        let answer = behind(written, number, questions.len());
        found.extend(answer.map(|answer| (question.key.to_owned(), answer)));
    }
    if let ([only], true) = (questions, found.is_empty()) {
        let ours = text(kind, record);
        let is_ours = |line: &&str| !ours.lines().any(|own| own.trim() == line.trim());
        let rest: Vec<&str> = written.lines().filter(is_ours).collect();
        found.extend(tidy(&rest.join("\n")).map(|answer| (only.key.to_owned(), answer)));
    }
    found
}

fn behind(written: &str, number: usize, of: usize) -> Option<String> {
    let mark = format!("answer {number}:");
    let lower = written.to_ascii_lowercase();
    let start = lower.find(&mark)?.checked_add(mark.len())?;
    let rest = written.get(start..)?;
    let next = (number < of).then(|| format!("{}. ", number + 1));
    let mut lines = Vec::new();
    for line in rest.lines() {
        let line_start = line.trim_start();
        let is_next = next.as_ref().is_some_and(|next| line_start.starts_with(next.as_str()));
        if is_next || line_start.to_ascii_lowercase().starts_with("answer ") && line_start.contains(':') {
            break;
        }
        lines.push(line);
    }
    tidy(&lines.join("\n"))
}

fn tidy(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST).collect();
    let is_empty = !text.chars().any(char::is_alphanumeric);
    (!is_empty).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(kind: TestKind, answers: &[&str]) -> String {
        let mut text = text(kind, "R1");
        for (number, answer) in (1..).zip(answers) {
            text = text.replace(&format!("Answer {number}: "), &format!("Answer {number}: {answer}"));
        }
        text
    }

    #[test]
    fn what_stands_behind_each_mark_is_its_answer_and_an_untouched_task_has_none() {
        for kind in TestKind::ALL {
            assert_eq!(answers(kind, "R1", &text(kind, "R1")), BTreeMap::new());
        }
        let filled = fill(TestKind::H02, &["Reports take\n  three days", "", "Rival Inc"]);
        let read = answers(TestKind::H02, "R1", &filled);
        assert_eq!(read.get("pain").map(String::as_str), Some("Reports take three days"));
        assert_eq!(read.get("competition").map(String::as_str), Some("Rival Inc"));
        assert_eq!(read.len(), 2, "{read:?}");
    }

    #[test]
    fn one_answer_counts_wherever_it_is_written() {
        let free = format!("A new CFO closes the old system\n{}", text(TestKind::H01, "R1"));
        assert_eq!(answers(TestKind::H01, "R1", &free)["trigger"], "A new CFO closes the old system");
        assert_eq!(answers(TestKind::H01, "R1", "new CFO")["trigger"], "new CFO");
        let marked = "answer 1:\n\nnew CFO";
        assert_eq!(answers(TestKind::H01, "R1", marked)["trigger"], "new CFO");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_without_end_or_panic(written in ".{0,400}", kind in 0..4_usize) {
            let kind = TestKind::ALL[kind];
            for (key, answer) in answers(kind, "R1", &written) {
                prop_assert!(questions(kind).iter().any(|question| question.key == key));
                prop_assert!(!answer.trim().is_empty() && answer.chars().count() <= MOST);
            }
        }
    }
}
