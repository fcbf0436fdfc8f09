//! Tokens → typed tree.

use std::collections::BTreeSet;

use super::lexer::{Kind, Op, Token, tokens};
use super::tree::{Comparison, Expr, Search, Step, Type, Unary};
use super::{FieldTypes, FormulaError};
use crate::value::Value;

/// The vendor's cap on the text of a formula, in characters.
const MOST_CHARS: usize = 3_900;
/// Deepest nesting of parentheses, calls and signs together.
const DEEPEST: usize = 60;

type Typed = (Expr, Type);
type Parsed<T> = Result<T, FormulaError>;

pub(super) struct Parser<'f> {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    types: &'f dyn FieldTypes,
    pub(super) fields: BTreeSet<String>,
    pub(super) permissions: BTreeSet<String>,
}

impl<'f> Parser<'f> {
    pub(super) fn new(text: &str, types: &'f dyn FieldTypes) -> Parsed<Self> {
        if text.chars().nth(MOST_CHARS).is_some() {
            return fail(MOST_CHARS, format!("formula is longer than {MOST_CHARS} characters"));
        }
        let tokens = tokens(text)?;
        Ok(Self { tokens, next: 0, depth: 0, types, fields: BTreeSet::new(), permissions: BTreeSet::new() })
    }

    pub(super) fn whole(&mut self) -> Parsed<Typed> {
        let result = self.or()?;
        self.expect(&Kind::End, "an operator or the end of the formula")?;
        Ok(result)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |t| t.at)
    }

    fn peek(&self) -> &Kind {
        self.tokens.get(self.next).map_or(&Kind::End, |t| &t.kind)
    }

    fn eat(&mut self, kind: &Kind) -> bool {
        let found = self.peek() == kind;
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, kind: &Kind, what: &str) -> Parsed<()> {
        if self.eat(kind) { Ok(()) } else { fail(self.at(), format!("syntax error: expected {what}")) }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return fail(self.at(), format!("formula is nested deeper than {DEEPEST} levels"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Parsed<Typed> {
        self.logic(Op::Or, Expr::Or, Self::and)
    }

    fn and(&mut self) -> Parsed<Typed> {
        self.logic(Op::And, Expr::And, Self::equality)
    }

    fn logic(
        &mut self,
        op: Op,
        join: fn(Vec<Expr>) -> Expr,
        part: fn(&mut Self) -> Parsed<Typed>,
    ) -> Parsed<Typed> {
        let at = self.at();
        let first = part(self)?;
        if *self.peek() != Kind::Op(op) {
            return Ok(first);
        }
        let mut parts = vec![want(first, Type::Bool, at)?];
        while self.eat(&Kind::Op(op)) {
            let at = self.at();
            parts.push(want(part(self)?, Type::Bool, at)?);
        }
        Ok((join(parts), Type::Bool))
    }

    fn equality(&mut self) -> Parsed<Typed> {
        self.comparison(&[(Op::Eq, Comparison::Eq), (Op::Ne, Comparison::Ne)], Self::relation)
    }

    fn relation(&mut self) -> Parsed<Typed> {
        let signs = [
            (Op::Lt, Comparison::Lt),
            (Op::Le, Comparison::Le),
            (Op::Gt, Comparison::Gt),
            (Op::Ge, Comparison::Ge),
        ];
        self.comparison(&signs, Self::sum)
    }

    fn comparison(
        &mut self,
        signs: &[(Op, Comparison)],
        part: fn(&mut Self) -> Parsed<Typed>,
    ) -> Parsed<Typed> {
        let at = self.at();
        let left = part(self)?;
        let sign = |kind: &Kind| signs.iter().find(|(op, _)| *kind == Kind::Op(*op)).map(|(_, c)| *c);
        let Some(comparison) = sign(self.peek()) else { return Ok(left) };
        self.next += 1;
        let right_at = self.at();
        let right = part(self)?;
        if sign(self.peek()).is_some() {
            return fail(self.at(), "comparisons cannot be chained: use parentheses");
        }
        let (left, left_type) = no_picklist(left, at)?;
        let (right, right_type) = no_picklist(right, right_at)?;
        let kind = unify(left_type, right_type, right_at)?;
        let ordered = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        if ordered && kind == Type::Bool {
            return fail(at, "checkboxes have no order: use = or <>");
        }
        Ok((Expr::Compare(comparison, Box::new([left, right])), Type::Bool))
    }

    fn sum(&mut self) -> Parsed<Typed> {
        let signs = [(Op::Plus, Step::Add), (Op::Minus, Step::Subtract), (Op::Concat, Step::Concat)];
        self.chain(&signs, Self::product)
    }

    fn product(&mut self) -> Parsed<Typed> {
        self.chain(&[(Op::Times, Step::Multiply), (Op::Over, Step::Divide)], Self::power)
    }

    fn power(&mut self) -> Parsed<Typed> {
        self.chain(&[(Op::Power, Step::Power)], Self::unary)
    }

    fn chain(&mut self, signs: &[(Op, Step)], part: fn(&mut Self) -> Parsed<Typed>) -> Parsed<Typed> {
        let at = self.at();
        let first = part(self)?;
        let sign = |kind: &Kind| signs.iter().find(|(op, _)| *kind == Kind::Op(*op)).map(|(_, s)| *s);
        if sign(self.peek()).is_none() {
            return Ok(first);
        }
        let (first, mut kind) = no_picklist(first, at)?;
        let mut rest = Vec::new();
        while let Some(step) = sign(self.peek()) {
            self.next += 1;
            let at = self.at();
            let (right, right_type) = no_picklist(part(self)?, at)?;
            let step = if step == Step::Add && (kind == Type::Text || right_type == Type::Text) {
                Step::Concat
            } else {
                step
            };
            kind = step_type(step, kind, right_type, at)?;
            rest.push((step, right));
        }
        Ok((Expr::Chain(Box::new(first), rest), kind))
    }

    fn unary(&mut self) -> Parsed<Typed> {
        if self.eat(&Kind::Op(Op::Not)) {
            let at = self.at();
            let inner = self.deeper(Self::unary)?;
            return Ok((Expr::Not(Box::new(want(inner, Type::Bool, at)?)), Type::Bool));
        }
        if self.eat(&Kind::Op(Op::Minus)) {
            let at = self.at();
            let inner = self.deeper(Self::unary)?;
            return Ok((Expr::Negative(Box::new(want(inner, Type::Number, at)?)), Type::Number));
        }
        if self.eat(&Kind::Op(Op::Plus)) {
            let at = self.at();
            let inner = self.deeper(Self::unary)?;
            return Ok((want(inner, Type::Number, at)?, Type::Number));
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Typed> {
        let at = self.at();
        let kind = self.peek().clone();
        self.next += 1;
        match kind {
            Kind::Text(text) => Ok((Expr::Constant(Value::Text(text)), Type::Text)),
            Kind::Number(number) => Ok((Expr::Constant(Value::Number(number)), Type::Number)),
            Kind::Open => {
                let inner = self.deeper(Self::or)?;
                self.expect(&Kind::Close, "')'")?;
                Ok(inner)
            }
            Kind::Name(name) if *self.peek() == Kind::Open => self.deeper(|parser| parser.call(&name, at)),
            Kind::Name(name) => self.name(&name, at),
            Kind::Op(_) | Kind::Close | Kind::Comma | Kind::End => {
                fail(at, "syntax error: expected a value, a field or a function")
            }
        }
    }

    fn name(&mut self, name: &str, at: usize) -> Parsed<Typed> {
        if let Some(global) = name.strip_prefix('$') {
            return self.global(global, at);
        }
        match name.to_ascii_uppercase().as_str() {
            "TRUE" => Ok((Expr::Constant(Value::Bool(true)), Type::Bool)),
            "FALSE" => Ok((Expr::Constant(Value::Bool(false)), Type::Bool)),
            "NULL" => Ok((Expr::Constant(Value::Null), Type::Null)),
            _ => self.field(name, at).map(|kind| (Expr::Field(name.to_owned(), kind), kind)),
        }
    }

    fn field(&mut self, name: &str, at: usize) -> Parsed<Type> {
        let Some(kind) = self.types.field_type(name) else {
            return fail(at, format!("field {name} does not exist: check its spelling"));
        };
        self.fields.insert(name.to_owned());
        Ok(Type::of(kind))
    }

    fn global(&mut self, name: &str, at: usize) -> Parsed<Typed> {
        let (group, member) = name.split_once('.').unwrap_or((name, ""));
        if group.eq_ignore_ascii_case("Permission") && !member.is_empty() {
            self.permissions.insert(member.to_owned());
            return Ok((Expr::Permission(member.to_owned()), Type::Bool));
        }
        if name.eq_ignore_ascii_case("User.Id") {
            return Ok((Expr::UserId, Type::Text));
        }
        if name.eq_ignore_ascii_case("Profile.Name") {
            return Ok((Expr::ProfileName, Type::Text));
        }
        fail(at, "unknown global: use $User.Id, $Profile.Name or $Permission.<name>")
    }

    fn call(&mut self, name: &str, at: usize) -> Parsed<Typed> {
        self.next += 1;
        let function = name.to_ascii_uppercase();
        if matches!(function.as_str(), "ISCHANGED" | "PRIORVALUE") {
            return self.call_on_field(&function);
        }
        let mut arguments: Vec<(Typed, usize)> = Vec::new();
        if !self.eat(&Kind::Close) {
            loop {
                let at = self.at();
                arguments.push((self.or()?, at));
                if self.eat(&Kind::Close) {
                    break;
                }
                self.expect(&Kind::Comma, "',' or ')'")?;
            }
        }
        apply(&function, arguments, at)
    }

    fn call_on_field(&mut self, function: &str) -> Parsed<Typed> {
        let at = self.at();
        let Kind::Name(field) = self.peek().clone() else {
            return fail(at, format!("{function} takes the name of a field"));
        };
        self.next += 1;
        let kind = self.field(&field, at)?;
        self.expect(&Kind::Close, "')'")?;
        if function == "ISCHANGED" {
            return Ok((Expr::Changed(field, kind), Type::Bool));
        }
        Ok((Expr::Prior(field, kind), kind))
    }
}

fn fail<T>(at: usize, message: impl Into<String>) -> Parsed<T> {
    Err(FormulaError::new(at, message))
}

fn want((expr, kind): Typed, wanted: Type, at: usize) -> Parsed<Expr> {
    if kind == wanted || kind == Type::Null {
        return Ok(expr);
    }
    no_picklist((expr, kind), at).and_then(|(_, kind)| {
        fail(at, format!("incorrect type: expected {}, received {}", wanted.name(), kind.name()))
    })
}

fn no_picklist((expr, kind): Typed, at: usize) -> Parsed<Typed> {
    match kind {
        Type::Picklist => {
            fail(at, "picklist fields are only supported in certain functions: use ISPICKVAL or TEXT")
        }
        Type::MultiPicklist => {
            fail(at, "multi-select picklist fields are only supported in INCLUDES and ISBLANK")
        }
        Type::Bool | Type::Number | Type::Text | Type::Date | Type::DateTime | Type::Null => Ok((expr, kind)),
    }
}

fn unify(left: Type, right: Type, at: usize) -> Parsed<Type> {
    match (left, right) {
        (a, b) if a == b => Ok(a),
        (Type::Null, other) | (other, Type::Null) => Ok(other),
        (a, b) => fail(at, format!("incorrect type: expected {}, received {}", a.name(), b.name())),
    }
}

fn step_type(step: Step, left: Type, right: Type, at: usize) -> Parsed<Type> {
    use Type::{Date, DateTime, Null, Number, Text};
    let fits = match (step, left, right) {
        (Step::Concat, Text | Null, Text | Null) => Some(Text),
        (Step::Add | Step::Subtract, Date | DateTime, Number | Null) => Some(left),
        (Step::Add, Number | Null, Date | DateTime) => Some(right),
        (Step::Subtract, Date, Date)
        | (Step::Subtract, DateTime, DateTime)
        | (
            Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Power,
            Number | Null,
            Number | Null,
        ) => Some(Number),
        (Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Power | Step::Concat, _, _) => {
            None
        }
    };
    let names = (left.name(), right.name());
    fits.map_or_else(|| fail(at, format!("operator does not take {} and {}", names.0, names.1)), Ok)
}

type Arguments = Vec<(Typed, usize)>;

fn apply(function: &str, arguments: Arguments, at: usize) -> Parsed<Typed> {
    match function {
        "AND" => Ok((Expr::And(bools(function, arguments, at)?), Type::Bool)),
        "OR" => Ok((Expr::Or(bools(function, arguments, at)?), Type::Bool)),
        "NOT" => {
            let [(inner, inner_at)] = exactly(function, arguments, at)?;
            Ok((Expr::Not(Box::new(want(inner, Type::Bool, inner_at)?)), Type::Bool))
        }
        "IF" => branch(exactly(function, arguments, at)?),
        "CASE" => case(arguments, at),
        "ISNEW" => exactly::<0>(function, arguments, at).map(|[]| (Expr::IsNew, Type::Bool)),
        "NOW" => exactly::<0>(function, arguments, at).map(|[]| (Expr::Now, Type::DateTime)),
        "TODAY" => exactly::<0>(function, arguments, at).map(|[]| (Expr::Today, Type::Date)),
        "ISPICKVAL" => pick(Search::IsPickVal, Type::Picklist, exactly(function, arguments, at)?),
        "INCLUDES" => pick(Search::Includes, Type::MultiPicklist, exactly(function, arguments, at)?),
        "ISBLANK" | "ISNULL" => {
            let [(inner, inner_at)] = exactly(function, arguments, at)?;
            let inner = if inner.1 == Type::MultiPicklist { inner } else { no_picklist(inner, inner_at)? };
            Ok((Expr::IsBlank(Box::new(inner.0)), Type::Bool))
        }
        "BLANKVALUE" => {
            let [(value, value_at), (other, other_at)] = exactly(function, arguments, at)?;
            let (value, other) = (no_picklist(value, value_at)?, no_picklist(other, other_at)?);
            let kind = unify(value.1, other.1, other_at)?;
            Ok((Expr::BlankValue(Box::new([value.0, other.0])), kind))
        }
        "TEXT" => {
            let [((inner, kind), inner_at)] = exactly(function, arguments, at)?;
            match kind {
                Type::Picklist | Type::Number | Type::Date | Type::DateTime | Type::Null => {
                    Ok((Expr::Unary(Unary::Text, Box::new(inner)), Type::Text))
                }
                Type::Bool | Type::Text | Type::MultiPicklist => {
                    fail(inner_at, format!("TEXT does not take {}", kind.name()))
                }
            }
        }
        "DATEVALUE" => {
            let [((inner, kind), inner_at)] = exactly(function, arguments, at)?;
            match kind {
                Type::DateTime | Type::Text | Type::Null => {
                    Ok((Expr::Unary(Unary::DateValue, Box::new(inner)), Type::Date))
                }
                Type::Bool | Type::Number | Type::Date | Type::Picklist | Type::MultiPicklist => {
                    fail(inner_at, format!("DATEVALUE does not take {}", kind.name()))
                }
            }
        }
        "LEN" => of_text(Unary::Len, Type::Number, exactly(function, arguments, at)?),
        "VALUE" => of_text(Unary::Value, Type::Number, exactly(function, arguments, at)?),
        "TRIM" => of_text(Unary::Trim, Type::Text, exactly(function, arguments, at)?),
        "UPPER" => of_text(Unary::Upper, Type::Text, exactly(function, arguments, at)?),
        "LOWER" => of_text(Unary::Lower, Type::Text, exactly(function, arguments, at)?),
        "CONTAINS" => search(Search::Contains, exactly(function, arguments, at)?),
        "BEGINS" => search(Search::Begins, exactly(function, arguments, at)?),
        _ => fail(at, format!("unknown function {function}: check its spelling")),
    }
}

fn exactly<const N: usize>(function: &str, arguments: Arguments, at: usize) -> Parsed<[(Typed, usize); N]> {
    let given = arguments.len();
    arguments.try_into().map_err(|_| {
        FormulaError::new(
            at,
            format!("incorrect number of parameters for {function}: expected {N}, received {given}"),
        )
    })
}

fn bools(function: &str, arguments: Arguments, at: usize) -> Parsed<Vec<Expr>> {
    if arguments.is_empty() {
        return fail(
            at,
            format!("incorrect number of parameters for {function}: expected at least 1, received 0"),
        );
    }
    arguments.into_iter().map(|(argument, at)| want(argument, Type::Bool, at)).collect()
}

fn branch([(test, test_at), (yes, yes_at), (no, no_at)]: [(Typed, usize); 3]) -> Parsed<Typed> {
    let test = want(test, Type::Bool, test_at)?;
    let (yes, no) = (no_picklist(yes, yes_at)?, no_picklist(no, no_at)?);
    let kind = unify(yes.1, no.1, no_at)?;
    Ok((Expr::If(Box::new([test, yes.0, no.0])), kind))
}

fn case(arguments: Arguments, at: usize) -> Parsed<Typed> {
    let given = arguments.len();
    if given < 4 || !given.is_multiple_of(2) {
        return fail(at, "CASE takes a subject, pairs of value and result, and a result for all else");
    }
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().ok_or_else(|| FormulaError::new(at, "CASE has too few parameters"));
    let ((subject, subject_type), subject_at) = next()?;
    let value_type = match subject_type {
        Type::Picklist => Type::Text,
        Type::MultiPicklist => return fail(subject_at, "CASE does not take a multi-select picklist"),
        Type::Bool => return fail(subject_at, "CASE does not take a checkbox: use IF"),
        Type::Number | Type::Text | Type::Date | Type::DateTime | Type::Null => subject_type,
    };
    let mut kind = Type::Null;
    let mut pairs = Vec::new();
    for _ in 0..(given - 2) / 2 {
        let (value, value_at) = next()?;
        let (result, result_at) = next()?;
        unify(value_type, no_picklist_type(value.1, value_at)?, value_at)?;
        kind = unify(kind, no_picklist_type(result.1, result_at)?, result_at)?;
        pairs.push((value.0, result.0));
    }
    let (otherwise, otherwise_at) = next()?;
    kind = unify(kind, no_picklist_type(otherwise.1, otherwise_at)?, otherwise_at)?;
    Ok((Expr::Case(Box::new(subject), pairs, Box::new(otherwise.0)), kind))
}

fn no_picklist_type(kind: Type, at: usize) -> Parsed<Type> {
    no_picklist((Expr::Constant(Value::Null), kind), at).map(|(_, kind)| kind)
}

fn pick(
    function: Search,
    wanted: Type,
    [((value, kind), at), (choice, choice_at)]: [(Typed, usize); 2],
) -> Parsed<Typed> {
    if kind != wanted {
        return fail(at, format!("incorrect type: expected {}, received {}", wanted.name(), kind.name()));
    }
    if !matches!(choice.0, Expr::Constant(Value::Text(_))) {
        return fail(choice_at, "expected a text literal: the API name of a picklist value");
    }
    Ok((Expr::Search(function, Box::new([value, choice.0])), Type::Bool))
}

fn of_text(function: Unary, result: Type, [(inner, at)]: [(Typed, usize); 1]) -> Parsed<Typed> {
    Ok((Expr::Unary(function, Box::new(want(inner, Type::Text, at)?)), result))
}

fn search(function: Search, [(text, at), (part, part_at)]: [(Typed, usize); 2]) -> Parsed<Typed> {
    let pair = [want(text, Type::Text, at)?, want(part, Type::Text, part_at)?];
    Ok((Expr::Search(function, Box::new(pair)), Type::Bool))
}
