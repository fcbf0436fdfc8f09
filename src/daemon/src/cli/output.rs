//! What is printed: text for people, JSON for machines, and nothing that steers a terminal.

use std::fmt::Write as _;
use std::io::Write as _;

use owo_colors::{OwoColorize as _, Stream, Style};
use serde::Serialize;

use super::exit::Failure;

/// Where a command prints to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Text or JSON.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints text as it is: every foreign part of it went through [`plain`] before.
    #[expect(clippy::unused_self, reason = "whoever prints holds the output")]
    pub(crate) fn text(self, text: &str) {
        // A reader that went away is no error of ours.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    /// Prints a line.
    pub(crate) fn line(self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    /// Prints a value as indented JSON.
    pub(crate) fn json<T: Serialize>(self, value: &T) {
        self.line(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Prints a value as JSON on one line.
    pub(crate) fn json_line<T: Serialize>(self, value: &T) {
        self.line(&serde_json::to_string(value).unwrap_or_default());
    }

    /// Prints why a command could not do its work, on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let message = failure.message.lines().map(plain).collect::<Vec<_>>().join("\n");
        let text = if self.json {
            serde_json::json!({"error": failure.message, "exit": failure.exit.code()}).to_string()
        } else {
            let style = Style::new().red().bold();
            format!("{} {message}", "error:".if_supports_color(Stream::Stderr, |text| text.style(style)))
        };
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A word that means well, in green where colours are shown.
pub(crate) fn good(text: &str) -> String {
    text.if_supports_color(Stream::Stdout, |text| text.green()).to_string()
}

/// A word that means ill, in red where colours are shown.
pub(crate) fn bad(text: &str) -> String {
    text.if_supports_color(Stream::Stdout, |text| text.red()).to_string()
}

/// Text from outside without anything that steers a terminal or turns the direction of reading.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for each in text.chars() {
        let turns = matches!(each, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if each.is_control() || turns {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(each));
        } else {
            safe.push(each);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn e12_escapes_of_a_record_do_not_reach_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mred\r\nb\u{202e}c\u{9b}d"),
            "a\\u{1b}[31mred\\u{d}\\u{a}b\\u{202e}c\\u{9b}d"
        );
        assert_eq!(plain("Größe 9 % → 4 %"), "Größe 9 % → 4 %");
    }
}
