//! Working time between two instants, and the instant at which an allowance is used up.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::calendar::Ready;
use super::{Calendar, Hours};

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;
/// Days that are walked at most, over a hundred years: what is not over by then never is.
const MOST_DAYS: u32 = 40_000;

/// From an instant to another, the second one excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub to: Timestamp,
}

/// The first instant at which so much working time has passed since `from`, pauses not counted; `from` itself if nothing is allowed. A
/// calendar that cannot be used (see [`lint_calendar`](super::lint_calendar)) counts every hour, so that it never prolongs anything.
/// [`Timestamp::MAX`] = not within a hundred years.
pub fn due_at(
    calendar: &Calendar,
    from: Timestamp,
    allowed: SignedDuration,
    pauses: &[Interval],
) -> Timestamp {
    let mut left = allowed.as_nanos();
    if left <= 0 {
        return from;
    }
    let mut due = None;
    walk(calendar, from.as_nanosecond(), Timestamp::MAX.as_nanosecond(), pauses, |begin, end| {
        if end - begin >= left {
            due = Some(begin + left);
            return ControlFlow::Break(());
        }
        left -= end - begin;
        ControlFlow::Continue(())
    });
    due.and_then(|due| Timestamp::from_nanosecond(due).ok()).unwrap_or(Timestamp::MAX)
}

/// Working time from `from` to `to`, pauses not counted; nothing if `to` is not after `from`. At most a hundred years are looked at.
pub fn worked(calendar: &Calendar, from: Timestamp, to: Timestamp, pauses: &[Interval]) -> SignedDuration {
    let mut sum = 0_i128;
    walk(calendar, from.as_nanosecond(), to.as_nanosecond(), pauses, |begin, end| {
        sum += end - begin;
        ControlFlow::Continue(())
    });
    let nanos = i32::try_from(sum % SECOND).unwrap_or(0);
    i64::try_from(sum / SECOND).map_or(SignedDuration::MAX, |seconds| SignedDuration::new(seconds, nanos))
}

/// Visits all working time from `from` to `to` without pauses, in order, piece by piece.
fn walk(
    calendar: &Calendar,
    from: i128,
    to: i128,
    pauses: &[Interval],
    mut visit: impl FnMut(i128, i128) -> ControlFlow<()>,
) {
    let pauses = merged(pauses);
    let always = Calendar::always();
    let Some(ready) = calendar.ready().or_else(|| always.ready()) else { return };
    let mut days = 0;
    let mut from = from;
    while from < to {
        let (offset, until) = stretch(&ready, from, to);
        if stretch_days(&ready, from, until, offset, &mut days, &pauses, &mut visit).is_break() {
            return;
        }
        from = until;
    }
}

/// The zone's offset at this instant in nanoseconds, and how long it holds, at most to `to`.
fn stretch(ready: &Ready<'_>, from: i128, to: i128) -> (i128, i128) {
    let Ok(at) = Timestamp::from_nanosecond(from) else { return (0, to) };
    let offset = i128::from(ready.zone.to_offset(at).seconds()) * SECOND;
    let next = ready.zone.following(at).next().map(|change| change.timestamp().as_nanosecond());
    (offset, next.filter(|next| *next > from).map_or(to, |next| next.min(to)))
}

/// The working time of a stretch with one offset, day by day of the wall clock.
fn stretch_days(
    ready: &Ready<'_>,
    from: i128,
    to: i128,
    offset: i128,
    days: &mut u32,
    pauses: &[(i128, i128)],
    visit: &mut impl FnMut(i128, i128) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut day = (from + offset).div_euclid(DAY);
    while day * DAY - offset < to {
        if *days > MOST_DAYS {
            return ControlFlow::Break(());
        }
        *days += 1;
        let midnight = day * DAY - offset;
        let hours = i64::try_from(day).ok().and_then(|day| ready.hours(day));
        for span in hours.into_iter().flat_map(Hours::spans) {
            let begin = (midnight + i128::from(span.start) * SECOND).max(from);
            let end = (midnight + i128::from(span.end) * SECOND).min(to);
            without(begin, end, pauses, visit)?;
        }
        day += 1;
    }
    ControlFlow::Continue(())
}

/// The pieces of a span that no pause covers.
fn without(
    begin: i128,
    end: i128,
    pauses: &[(i128, i128)],
    visit: &mut impl FnMut(i128, i128) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut at = begin;
    for (from, to) in pauses.iter().filter(|(from, to)| *from < end && *to > begin) {
        if *from > at {
            visit(at, *from)?;
        }
        at = at.max(*to);
    }
    if at < end { visit(at, end) } else { ControlFlow::Continue(()) }
}

/// Pauses in order, apart from each other, none of them empty.
fn merged(pauses: &[Interval]) -> Vec<(i128, i128)> {
    let spans = pauses.iter().map(|pause| (pause.from.as_nanosecond(), pause.to.as_nanosecond()));
    let mut spans: Vec<(i128, i128)> = spans.filter(|(from, to)| from < to).collect();
    spans.sort_unstable();
    let mut apart: Vec<(i128, i128)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            Some(_) | None => apart.push((from, to)),
        }
    }
    apart
}
