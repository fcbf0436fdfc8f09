//! Text → tokens.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{SoqlError, SoqlErrorCode};

/// A token and the byte it starts at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind<'t> {
    Word(&'t str),
    /// The text between the quotes, escapes not yet undone but known to be valid.
    Quoted(&'t str),
    Number(Decimal),
    Date(Date),
    DateTime(Timestamp),
    Op(Op),
    Open,
    Close,
    Comma,
    Dot,
    Colon,
    End,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, SoqlError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == Kind::End;
        out.push(token);
        if end {
            return Ok(out);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or("")
    }

    fn fail<T>(&self, at: usize, detail: &str) -> Result<T, SoqlError> {
        Err(SoqlError::at(SoqlErrorCode::MalformedQuery, self.text, at, detail))
    }

    fn next(&mut self) -> Result<Token<'t>, SoqlError> {
        self.take_while(char::is_whitespace);
        let at = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token { kind: Kind::End, at });
        };
        let kind = match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                Kind::Word(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
            }
            '0'..='9' | '+' | '-' => self.number_or_date(at)?,
            '\'' => self.quoted(at)?,
            '(' => self.one(Kind::Open),
            ')' => self.one(Kind::Close),
            ',' => self.one(Kind::Comma),
            '.' => self.one(Kind::Dot),
            ':' => self.one(Kind::Colon),
            '=' => self.one(Kind::Op(Op::Eq)),
            '<' | '>' | '!' => self.comparison(at)?,
            _ => return self.fail(at, &format!("unexpected token: '{first}'")),
        };
        Ok(Token { kind, at })
    }

    fn one(&mut self, kind: Kind<'t>) -> Kind<'t> {
        self.at += 1;
        kind
    }

    fn comparison(&mut self, at: usize) -> Result<Kind<'t>, SoqlError> {
        for (sign, op) in
            [("<=", Op::Le), (">=", Op::Ge), ("<>", Op::Ne), ("!=", Op::Ne), ("<", Op::Lt), (">", Op::Gt)]
        {
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                return Ok(Kind::Op(op));
            }
        }
        self.fail(at, "unexpected token: '!'")
    }

    fn number_or_date(&mut self, at: usize) -> Result<Kind<'t>, SoqlError> {
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '+' | '-'));
        literal(text).map_or_else(|| self.fail(at, &format!("unexpected token: '{text}'")), Ok)
    }

    fn quoted(&mut self, at: usize) -> Result<Kind<'t>, SoqlError> {
        self.at += 1;
        let start = self.at;
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '\'' => {
                    let raw = self.text.get(start..start + i).unwrap_or("");
                    self.at = start + i + 1;
                    return Ok(Kind::Quoted(raw));
                }
                '\\' => {
                    let escaped = chars.next().map(|(_, c)| c.to_ascii_lowercase());
                    let known = match escaped {
                        Some('u') => (0..4).all(|_| chars.next().is_some_and(|(_, c)| c.is_ascii_hexdigit())),
                        Some(c) => matches!(c, 'n' | 'r' | 't' | 'b' | 'f' | '"' | '\'' | '\\' | '_' | '%'),
                        None => false,
                    };
                    if !known {
                        return self.fail(start + i, "Illegal string literal: invalid escape sequence");
                    }
                }
                _ => {}
            }
        }
        self.fail(at, "line has no closing quote: string literal is not terminated")
    }
}

fn literal(text: &str) -> Option<Kind<'static>> {
    let bytes = text.as_bytes();
    let dashed = bytes.get(4) == Some(&b'-') && bytes.iter().take(4).all(u8::is_ascii_digit);
    if dashed && text.len() == 10 {
        return text.parse().ok().map(Kind::Date);
    }
    if dashed && bytes.get(10).is_some_and(|&b| b == b'T' || b == b't') {
        return datetime(text).map(Kind::DateTime);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return text.parse().ok().map(Kind::Number);
    }
    None
}

/// A datetime literal: `…Z`, `…+01:00` or `…+0100`, seconds with an optional fraction.
fn datetime(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// A string literal's text, escapes undone.
pub(super) fn unescape(raw: &str) -> String {
    pieces(raw).map(|p| p.literal).collect()
}

/// One character of a LIKE pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LikePiece {
    /// `%`: any text.
    Any,
    /// `_`: one character.
    One,
    /// This character.
    Char(char),
}

/// A LIKE pattern, lower-cased; `\%` and `\_` stand for themselves.
pub(super) fn like_pattern(raw: &str) -> Vec<LikePiece> {
    let mut out = Vec::new();
    for piece in pieces(raw) {
        match piece.literal {
            '%' if !piece.escaped => {
                if out.last() != Some(&LikePiece::Any) {
                    out.push(LikePiece::Any);
                }
            }
            '_' if !piece.escaped => out.push(LikePiece::One),
            c => out.extend(c.to_lowercase().map(LikePiece::Char)),
        }
    }
    out
}

struct Piece {
    literal: char,
    escaped: bool,
}

fn pieces(raw: &str) -> impl Iterator<Item = Piece> + '_ {
    let mut chars = raw.chars();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        if c != '\\' {
            return Some(Piece { literal: c, escaped: false });
        }
        let literal = match chars.next()? {
            'n' | 'N' => '\n',
            'r' | 'R' => '\r',
            't' | 'T' => '\t',
            'b' | 'B' => '\u{8}',
            'f' | 'F' => '\u{c}',
            'u' | 'U' => {
                let code = (0..4).filter_map(|_| chars.next()?.to_digit(16)).fold(0, |code, d| code * 16 + d);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => other,
        };
        Some(Piece { literal, escaped: true })
    })
}
