//! The XML of an outbound message. Document types and entities are refused, so nothing can be expanded or fetched.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::id::SfId;
use crate::soql::is_name;

/// Largest message: a hundred notifications of a few kilobytes each.
const BYTES: usize = 1 << 20;
const DEPTH: usize = 16;
const EVENTS: usize = 200_000;
/// Salesforce puts at most this many into one message.
const NOTIFICATIONS: usize = 100;
const ATTRIBUTES: usize = 32;
/// Longest text that is looked at; ids are 15 or 18 characters.
const TEXT: usize = 64;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The org that it says it comes from.
    pub(crate) org: SfId,
    /// What it speaks of.
    pub(crate) notifications: Vec<Notification>,
}

/// One record that changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notification {
    /// The notification's own id.
    pub(crate) id: SfId,
    /// The record's object.
    pub(crate) object: String,
    /// The record.
    pub(crate) record: SfId,
}

#[derive(Default)]
struct Draft {
    id: Option<SfId>,
    object: Option<String>,
    record: Option<SfId>,
}

impl Draft {
    fn finish(self) -> Option<Notification> {
        Some(Notification { id: self.id?, object: self.object?, record: self.record? })
    }
}

#[derive(Default)]
struct Parser {
    path: Vec<String>,
    text: String,
    org: Option<SfId>,
    draft: Option<Draft>,
    notifications: Vec<Notification>,
}

/// Reads a message; `None` = not what the vendor documents.
pub(crate) fn parse(body: &[u8]) -> Option<Message> {
    if body.len() > BYTES {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut parser = Parser::default();
    for _ in 0..EVENTS {
        match reader.read_event().ok()? {
            Event::Start(tag) => parser.start(&tag)?,
            Event::Empty(tag) => {
                parser.start(&tag)?;
                parser.end()?;
            }
            Event::End(_) => parser.end()?,
            Event::Text(text) => parser.text(&text.xml10_content())?,
            Event::CData(text) => parser.text(&text.xml10_content())?,
            Event::GeneralRef(name) => parser.reference(&name.xml10_content())?,
            Event::Decl(_) | Event::Comment(_) => {}
            Event::DocType(_) | Event::PI(_) => return None,
            Event::Eof => return parser.finish(),
        }
    }
    None
}

impl Parser {
    fn here(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Option<()> {
        if self.path.len() >= DEPTH {
            return None;
        }
        let local = local(tag.name().as_ref()).to_owned();
        self.path.push(local);
        self.text.clear();
        match self.here().as_slice() {
            ["Envelope", "Body", "notifications", "Notification"] => {
                if self.notifications.len() >= NOTIFICATIONS {
                    return None;
                }
                self.draft = Some(Draft::default());
            }
            ["Envelope", "Body", "notifications", "Notification", "sObject"] => {
                let object = object(tag)?;
                let draft = self.draft.as_mut()?;
                once(&mut draft.object, object)?;
            }
            ["Envelope", ..] => {}
            _ => return None,
        }
        Some(())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        if self.path.is_empty() {
            return text.trim().is_empty().then_some(());
        }
        let room = TEXT.saturating_sub(self.text.len());
        self.text.extend(text.chars().take(room));
        Some(())
    }

    /// Only what XML itself defines may stand for a character; everything else would need a document type.
    fn reference(&mut self, name: &str) -> Option<()> {
        let known = name.starts_with('#') || matches!(name, "amp" | "lt" | "gt" | "quot" | "apos");
        // An id holds no such character, so what it stands for does not matter.
        if known { self.text("?") } else { None }
    }

    fn end(&mut self) -> Option<()> {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        match self.here().as_slice() {
            ["Envelope", "Body", "notifications", "OrganizationId"] => {
                once(&mut self.org, SfId::parse(text).ok()?)?;
            }
            ["Envelope", "Body", "notifications", "Notification", "Id"] => {
                once(&mut self.draft.as_mut()?.id, SfId::parse(text).ok()?)?;
            }
            ["Envelope", "Body", "notifications", "Notification", "sObject", "Id"] => {
                once(&mut self.draft.as_mut()?.record, SfId::parse(text).ok()?)?;
            }
            ["Envelope", "Body", "notifications", "Notification"] => {
                let one = self.draft.take()?.finish()?;
                self.notifications.push(one);
            }
            _ => {}
        }
        self.path.pop().map(|_| ())
    }

    fn finish(self) -> Option<Message> {
        let complete = self.path.is_empty() && !self.notifications.is_empty();
        complete.then_some(())?;
        Some(Message { org: self.org?, notifications: self.notifications })
    }
}

/// A value that may be told once only: two ids would let one be checked and the other be used.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The object's name from `xsi:type="sf:Opportunity"`.
fn object(tag: &BytesStart<'_>) -> Option<String> {
    let mut found = None;
    for (count, attribute) in tag.attributes().enumerate() {
        let attribute = attribute.ok()?;
        if count >= ATTRIBUTES {
            return None;
        }
        if attribute.key.as_ref() == "xsi:type" {
            let value: &str = attribute.value.as_ref();
            found = Some(local(value).to_owned());
        }
    }
    found.filter(|name| is_name(name))
}

#[cfg(test)]
pub(crate) mod tests;
