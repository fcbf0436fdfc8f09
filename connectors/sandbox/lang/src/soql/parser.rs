//! Tokens → [`Select`]. Nesting is bounded; chains of AND and OR are flat, so no input can exhaust the stack.

use jiff::civil::Date;

use super::days::days;
use super::lexer::{Kind, Op, Token, tokens};
use super::syntax::{Aggregate, Condition, FieldRef, FieldSet, Item, Literal, OrderItem, Select};
use super::{SoqlError, SoqlErrorCode};

/// The vendor's cap on query text, in characters.
const MOST_CHARS: usize = 100_000;
/// Deepest nesting of parentheses, NOT and subqueries together.
const DEEPEST: usize = 100;
/// The vendor's cap on OFFSET.
const MOST_OFFSET: usize = 2_000;

const KEYWORDS: [&str; 12] =
    ["WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "FROM", "HAVING", "WITH", "FOR", "USING", "AND", "OR"];

type Parsed<T> = Result<T, SoqlError>;

pub(super) fn parse(text: &str, today: Date) -> Parsed<Select<'_>> {
    if text.chars().nth(MOST_CHARS).is_some() {
        let detail = format!("SOQL statements cannot be longer than {MOST_CHARS} characters.");
        return Err(SoqlError::new(SoqlErrorCode::QueryTooComplicated, detail));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0, today };
    let select = parser.select()?;
    parser.expect(Kind::End)?;
    Ok(select)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    today: Date,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Kind<'t> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Kind<'t> {
        self.tokens.get(self.next + ahead).map_or(Kind::End, |t| t.kind)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |t| t.at)
    }

    fn advance(&mut self) -> Kind<'t> {
        let kind = self.peek();
        self.next += 1;
        kind
    }

    fn fail<T>(&self, at: usize, detail: &str) -> Parsed<T> {
        Err(SoqlError::at(SoqlErrorCode::MalformedQuery, self.text, at, detail))
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        let start = self.at();
        let end = self.tokens.get(self.next + 1).map_or(self.text.len(), |t| t.at);
        let seen = self.text.get(start..end).unwrap_or("").trim();
        let seen: String = if seen.is_empty() { "<EOF>".into() } else { seen.chars().take(60).collect() };
        self.fail(start, &format!("unexpected token: '{seen}'"))
    }

    fn eat(&mut self, kind: Kind<'_>) -> bool {
        let found = self.peek() == kind;
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, kind: Kind<'_>) -> Parsed<()> {
        if self.eat(kind) { Ok(()) } else { self.unexpected() }
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { self.unexpected() }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.fail(self.at(), &format!("query is nested deeper than {DEEPEST} levels"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn select(&mut self) -> Parsed<Select<'t>> {
        self.expect_word("SELECT")?;
        let mut items = vec![self.item()?];
        while self.eat(Kind::Comma) {
            items.push(self.item()?);
        }
        self.expect_word("FROM")?;
        let from_at = self.at();
        let Kind::Word(from) = self.advance() else {
            self.next -= 1;
            return self.unexpected();
        };
        self.eat_word("AS");
        let alias = self.alias();
        let filter = if self.eat_word("WHERE") { Some(self.condition()?) } else { None };
        let group_by = if self.eat_word("GROUP") { self.group_by()? } else { Vec::new() };
        let order = if self.eat_word("ORDER") { self.order_by()? } else { Vec::new() };
        let limit = if self.eat_word("LIMIT") { Some(self.whole_number()?) } else { None };
        let offset = if self.eat_word("OFFSET") { self.offset()? } else { 0 };
        Ok(Select { items, from, from_at, alias, filter, group_by, order, limit, offset })
    }

    fn alias(&mut self) -> Option<&'t str> {
        let Kind::Word(word) = self.peek() else { return None };
        if KEYWORDS.iter().any(|k| k.eq_ignore_ascii_case(word)) {
            return None;
        }
        self.next += 1;
        Some(word)
    }

    fn item(&mut self) -> Parsed<Item<'t>> {
        if self.eat(Kind::Open) {
            let child = self.deeper(Self::select)?;
            self.expect(Kind::Close)?;
            return Ok(Item::Child(Box::new(child)));
        }
        if self.peek_at(1) == Kind::Open {
            return self.call();
        }
        let field = self.field()?;
        let alias = self.alias();
        Ok(Item::Field(field, alias))
    }

    fn call(&mut self) -> Parsed<Item<'t>> {
        let at = self.at();
        let Kind::Word(name) = self.peek() else { return self.unexpected() };
        if name.eq_ignore_ascii_case("FIELDS") {
            self.next += 2;
            let named =
                [("ALL", FieldSet::All), ("STANDARD", FieldSet::Standard), ("CUSTOM", FieldSet::Custom)];
            let Some((_, set)) = named.into_iter().find(|(word, _)| self.eat_word(word)) else {
                return self.fail(at, "FIELDS takes one of ALL, STANDARD, CUSTOM");
            };
            self.expect(Kind::Close)?;
            return Ok(Item::Fields(set, at));
        }
        if name.eq_ignore_ascii_case("COUNT") && self.peek_at(2) == Kind::Close {
            self.next += 3;
            return Ok(Item::CountAll);
        }
        let (aggregate, field) = self.aggregate()?;
        let alias = self.alias();
        Ok(Item::Aggregate(aggregate, field, alias))
    }

    fn aggregate(&mut self) -> Parsed<(Aggregate, FieldRef<'t>)> {
        let Kind::Word(name) = self.peek() else { return self.unexpected() };
        let aggregate = match name.to_ascii_uppercase().as_str() {
            "COUNT" => Aggregate::Count,
            "COUNT_DISTINCT" => Aggregate::CountDistinct,
            "SUM" => Aggregate::Sum,
            "AVG" => Aggregate::Avg,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            _ => return self.fail(self.at(), &format!("unknown function: '{name}'")),
        };
        self.next += 1;
        self.expect(Kind::Open)?;
        let field = self.field()?;
        self.expect(Kind::Close)?;
        Ok((aggregate, field))
    }

    fn field(&mut self) -> Parsed<FieldRef<'t>> {
        let at = self.at();
        let mut parts = Vec::new();
        loop {
            let Kind::Word(part) = self.peek() else { return self.unexpected() };
            self.next += 1;
            parts.push(part);
            if !self.eat(Kind::Dot) {
                return Ok(FieldRef { parts, at });
            }
        }
    }

    fn group_by(&mut self) -> Parsed<Vec<FieldRef<'t>>> {
        self.expect_word("BY")?;
        let mut fields = vec![self.field()?];
        while self.eat(Kind::Comma) {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn order_by(&mut self) -> Parsed<Vec<OrderItem<'t>>> {
        self.expect_word("BY")?;
        let mut items = vec![self.order_item()?];
        while self.eat(Kind::Comma) {
            items.push(self.order_item()?);
        }
        Ok(items)
    }

    fn order_item(&mut self) -> Parsed<OrderItem<'t>> {
        let (aggregate, field) = if self.peek_at(1) == Kind::Open {
            let (aggregate, field) = self.aggregate()?;
            (Some(aggregate), field)
        } else {
            (None, self.field()?)
        };
        let descending = self.eat_word("DESC") || {
            self.eat_word("ASC");
            false
        };
        let nulls_last = self.eat_word("NULLS") && {
            let last = self.eat_word("LAST");
            if !last {
                self.expect_word("FIRST")?;
            }
            last
        };
        Ok(OrderItem { aggregate, field, descending, nulls_last })
    }

    fn whole_number(&mut self) -> Parsed<usize> {
        if let Kind::Number(n) = self.peek()
            && n.fract().is_zero()
            && let Ok(n) = usize::try_from(n)
        {
            self.next += 1;
            return Ok(n);
        }
        self.unexpected()
    }

    fn offset(&mut self) -> Parsed<usize> {
        let n = self.whole_number()?;
        if n > MOST_OFFSET {
            let detail = format!("Maximum SOQL offset allowed is {MOST_OFFSET}");
            return Err(SoqlError::new(SoqlErrorCode::NumberOutsideValidRange, detail));
        }
        Ok(n)
    }

    /// AND and OR may not be mixed without parentheses, as with the vendor.
    fn condition(&mut self) -> Parsed<Condition<'t>> {
        self.deeper(|parser| {
            let first = parser.single()?;
            let (word, join): (_, fn(Vec<Condition<'t>>) -> Condition<'t>) = if parser.peek_word("AND") {
                ("AND", Condition::And)
            } else if parser.peek_word("OR") {
                ("OR", Condition::Or)
            } else {
                return Ok(first);
            };
            let mut all = vec![first];
            while parser.eat_word(word) {
                all.push(parser.single()?);
            }
            if parser.peek_word("AND") || parser.peek_word("OR") {
                return parser.unexpected();
            }
            Ok(join(all))
        })
    }

    fn single(&mut self) -> Parsed<Condition<'t>> {
        if self.eat(Kind::Open) {
            let inner = self.condition()?;
            self.expect(Kind::Close)?;
            return Ok(inner);
        }
        if self.peek_word("NOT") {
            self.next += 1;
            return self.deeper(|parser| Ok(Condition::Not(Box::new(parser.single()?))));
        }
        self.test()
    }

    fn test(&mut self) -> Parsed<Condition<'t>> {
        let field = self.field()?;
        if let Kind::Op(op) = self.peek() {
            self.next += 1;
            let value = self.literal()?;
            return self.compare(field, op, value);
        }
        if self.eat_word("LIKE") {
            let Kind::Quoted(raw) = self.peek() else { return self.unexpected() };
            self.next += 1;
            return Ok(Condition::Like(field, raw));
        }
        if self.eat_word("INCLUDES") {
            return Ok(Condition::Includes { field, negated: false, values: self.quoted_list()? });
        }
        if self.eat_word("EXCLUDES") {
            return Ok(Condition::Includes { field, negated: true, values: self.quoted_list()? });
        }
        let negated = self.eat_word("NOT");
        self.expect_word("IN")?;
        if self.peek() == Kind::Open
            && matches!(self.peek_at(1), Kind::Word(w) if w.eq_ignore_ascii_case("SELECT"))
        {
            return self.fail(
                self.at(),
                "this sandbox does not run semi-joins: read the ids first, then use IN (…)",
            );
        }
        Ok(Condition::In { field, negated, values: self.list(Self::literal)? })
    }

    fn compare(&self, field: FieldRef<'t>, op: Op, value: Literal<'t>) -> Parsed<Condition<'t>> {
        if matches!(value, Literal::Null) && !matches!(op, Op::Eq | Op::Ne) {
            return self.fail(field.at, "null can only be compared with = and !=");
        }
        Ok(Condition::Compare(field, op, value))
    }

    fn list<T>(&mut self, one: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(Kind::Open)?;
        let mut all = vec![one(self)?];
        while self.eat(Kind::Comma) {
            all.push(one(self)?);
        }
        self.expect(Kind::Close)?;
        Ok(all)
    }

    fn quoted_list(&mut self) -> Parsed<Vec<&'t str>> {
        self.list(|parser| {
            let Kind::Quoted(raw) = parser.peek() else { return parser.unexpected() };
            parser.next += 1;
            Ok(raw)
        })
    }

    fn literal(&mut self) -> Parsed<Literal<'t>> {
        let literal = match self.peek() {
            Kind::Quoted(raw) => Literal::Quoted(raw),
            Kind::Number(n) => Literal::Number(n),
            Kind::Date(d) => Literal::Date(d),
            Kind::DateTime(t) => Literal::DateTime(t),
            Kind::Word(w) if w.eq_ignore_ascii_case("null") => Literal::Null,
            Kind::Word(w) if w.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Kind::Word(w) if w.eq_ignore_ascii_case("false") => Literal::Bool(false),
            Kind::Word(w) => return self.relative(w),
            Kind::Op(_) | Kind::Open | Kind::Close | Kind::Comma | Kind::Dot | Kind::Colon | Kind::End => {
                return self.unexpected();
            }
        };
        self.next += 1;
        Ok(literal)
    }

    fn relative(&mut self, word: &'t str) -> Parsed<Literal<'t>> {
        let at = self.at();
        self.next += 1;
        let count = if self.eat(Kind::Colon) { Some(self.whole_number()?) } else { None };
        let count = count.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        match days(word, count, self.today) {
            Some((first, last)) => Ok(Literal::Days(first, last)),
            None => self.fail(at, &format!("unexpected token: '{word}'")),
        }
    }
}
