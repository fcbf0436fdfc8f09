//! Ids as the vendor makes them: strings of 19 or 20 digits, more than a double, and often more than a signed integer, holds.

/// What an id names; ids of different kinds never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    User,
    Party,
    Speaker,
    Workspace,
    Tracker,
}

const STEP: u64 = 7_919;

/// The `serial`-th id of a kind: odd ones have 19 digits, even ones 20.
pub(crate) fn numbered(kind: Kind, serial: u64) -> String {
    let offset = match kind {
        Kind::Call => 782_342_274_025_937_895,
        Kind::User => 234_599_484_848_423_410,
        Kind::Party => 356_221_938_470_010_034,
        Kind::Speaker => 637_429_274_893_384_011,
        Kind::Workspace => 623_457_276_584_334_772,
        Kind::Tracker => 460_112_844_917_263_355,
    };
    let base: u64 =
        if serial.is_multiple_of(2) { 12_000_000_000_000_000_000 } else { 7_000_000_000_000_000_000 };
    (base + offset).wrapping_add(serial.wrapping_mul(STEP)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_too_long_for_integers() {
        let (odd, even) = (numbered(Kind::Call, 1), numbered(Kind::Call, 2));
        assert_eq!((odd.len(), even.len()), (19, 20));
        assert!(even.parse::<i64>().is_err());
        assert_ne!(numbered(Kind::Call, 3), numbered(Kind::User, 3));
    }
}
