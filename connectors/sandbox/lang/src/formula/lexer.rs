//! Formula text → tokens.

use rust_decimal::Decimal;

use super::FormulaError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A function, field or global, dots included: `ISNEW`, `StageName`, `$User.Id`.
    Name(String),
    Text(String),
    Number(Decimal),
    Op(Op),
    Open,
    Close,
    Comma,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Times,
    Over,
    Concat,
    Power,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Characters from the start.
    pub(super) at: usize,
}

const SIGNS: [(&str, Op); 17] = [
    ("==", Op::Eq),
    ("!=", Op::Ne),
    ("<>", Op::Ne),
    ("<=", Op::Le),
    (">=", Op::Ge),
    ("&&", Op::And),
    ("||", Op::Or),
    ("=", Op::Eq),
    ("<", Op::Lt),
    (">", Op::Gt),
    ("!", Op::Not),
    ("+", Op::Plus),
    ("-", Op::Minus),
    ("*", Op::Times),
    ("/", Op::Over),
    ("&", Op::Concat),
    ("^", Op::Power),
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FormulaError> {
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars: &chars, at: 0 };
    let mut out = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let at = lexer.at;
        let kind = lexer.next()?;
        let end = kind == Kind::End;
        out.push(Token { kind, at });
        if end {
            return Ok(out);
        }
    }
}

struct Lexer<'c> {
    chars: &'c [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let taken: String = self.chars.iter().skip(self.at).take_while(|&&c| keep(c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn skip_blanks(&mut self) -> Result<(), FormulaError> {
        loop {
            self.take_while(char::is_whitespace);
            if !self.looking_at("/*") {
                return Ok(());
            }
            let start = self.at;
            self.at += 2;
            while !self.looking_at("*/") {
                if self.peek().is_none() {
                    return Err(FormulaError::new(start, "comment is not closed: write */ at its end"));
                }
                self.at += 1;
            }
            self.at += 2;
        }
    }

    fn next(&mut self) -> Result<Kind, FormulaError> {
        let at = self.at;
        let Some(first) = self.peek() else { return Ok(Kind::End) };
        if first.is_ascii_alphabetic() || first == '$' || first == '_' {
            return Ok(Kind::Name(
                self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')),
            ));
        }
        if first.is_ascii_digit() || first == '.' {
            let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
            return digits.parse().map(Kind::Number).map_err(|_| FormulaError::new(at, "not a number"));
        }
        if first == '"' || first == '\'' {
            return self.text(first);
        }
        let punctuation = match first {
            '(' => Some(Kind::Open),
            ')' => Some(Kind::Close),
            ',' => Some(Kind::Comma),
            _ => None,
        };
        if let Some(kind) = punctuation {
            self.at += 1;
            return Ok(kind);
        }
        let Some((sign, op)) = SIGNS.iter().find(|(sign, _)| self.looking_at(sign)) else {
            return Err(FormulaError::new(at, format!("unexpected character {first:?}")));
        };
        self.at += sign.len();
        Ok(Kind::Op(*op))
    }

    fn text(&mut self, quote: char) -> Result<Kind, FormulaError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.peek();
            self.at += 1;
            match c {
                None => return Err(FormulaError::new(start, "text is not closed: its quote is missing")),
                Some(c) if c == quote => return Ok(Kind::Text(text)),
                Some('\\') => {
                    let escaped = self.peek();
                    self.at += 1;
                    match escaped {
                        Some('n') => text.push('\n'),
                        Some('r') => text.push('\r'),
                        Some('t') => text.push('\t'),
                        Some(c @ ('"' | '\'' | '\\')) => text.push(c),
                        Some(_) | None => {
                            return Err(FormulaError::new(
                                self.at.saturating_sub(2),
                                "unknown escape in text",
                            ));
                        }
                    }
                }
                Some(c) => text.push(c),
            }
        }
    }
}
