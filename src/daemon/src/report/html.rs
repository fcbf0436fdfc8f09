//! The page that all reports share. Everything from outside goes through [`escape`] once, on its way in.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::output::plain;

const STYLE: &str = include_str!("style.css");

/// Text from outside as HTML text or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let text = plain(text);
    let mut safe = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Sentences as items of a list.
pub(super) fn items(sentences: &[String]) -> String {
    let items: Vec<String> = sentences.iter().map(|each| format!("<li>{}</li>", escape(each))).collect();
    items.concat()
}

/// A page under way. What is added is HTML already.
pub(super) struct Page {
    html: String,
}

impl Page {
    /// Title and what stands under it, as text.
    pub(super) fn new(title: &str, under: &str) -> Self {
        let (title, under) = (escape(title), escape(under));
        // Even a slip that let markup through could load nothing and run nothing.
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <header>\n<h1>{title}</h1>\n<p class=\"lead\">{under}</p>\n</header>\n"
        );
        Self { html }
    }

    /// Adds HTML.
    pub(super) fn add(&mut self, html: &str) {
        self.html.push_str(html);
        self.html.push('\n');
    }

    /// Begins a section; both are text.
    pub(super) fn section(&mut self, heading: &str, says: &str) {
        let _ = writeln!(self.html, "<h2>{}</h2>", escape(heading));
        if !says.is_empty() {
            let _ = writeln!(self.html, "<p>{}</p>", escape(says));
        }
    }

    /// Adds sentences as a list.
    pub(super) fn list(&mut self, sentences: &[String]) {
        if !sentences.is_empty() {
            self.add(&format!("<ul>{}</ul>", items(sentences)));
        }
    }

    /// Ends it with a line about where it comes from.
    pub(super) fn finish(mut self, made: Timestamp) -> String {
        let _ = writeln!(
            self.html,
            "<footer>Made by handoffd {} on {} from its log alone; times are in UTC. The log proves what it says: <code>handoffd audit \
             verify</code>.</footer>\n</main>\n</body>\n</html>",
            env!("CARGO_PKG_VERSION"),
            moment(made)
        );
        self.html
    }
}

/// A figure in a strip of figures: what it is, the figure, and what stands under it; all text.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) figure: String,
    pub(super) under: String,
}

/// A strip of figures.
pub(super) fn keys(keys: &[Key]) -> String {
    let mut html = String::from("<dl class=\"keys\">");
    for key in keys {
        let _ = write!(
            html,
            "<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>",
            escape(&key.name),
            escape(&key.figure),
            escape(&key.under)
        );
    }
    html.push_str("</dl>");
    html
}

/// A table that becomes one card per row on a narrow screen. The first column heads its row. Cells are HTML, heads and caption text.
pub(super) fn table<const N: usize>(
    caption: &str,
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut html = format!("<table class=\"cards\"><caption>{}</caption><thead><tr>", escape(caption));
    for head in heads {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(head));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (index, (head, cell)) in heads.iter().zip(&row).enumerate() {
            let _ = if index == 0 {
                write!(html, "<th scope=\"row\">{cell}</th>")
            } else {
                write!(html, "<td data-label=\"{}\"><span>{cell}</span></td>", escape(head))
            };
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    html
}

/// A moment to the minute.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e12_markup_and_steering_characters_of_a_record_stay_text() {
        assert_eq!(escape("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
        assert!(!escape("x\u{202e}y\u{1b}").contains(['\u{202e}', '\u{1b}']));
    }

    #[test]
    fn a_page_names_nothing_that_would_be_loaded() {
        let mut page = Page::new("<b>", "under");
        page.section("a", "b");
        let html = page.finish(Timestamp::UNIX_EPOCH);
        for forbidden in ["<script", "http://", "https://", "url(", "@import", "<b>"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        assert!(html.contains("default-src 'none'"));
    }
}
