//! Charts as inline SVG without text: labels are HTML beside them, so that they stay readable at any width.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::html::escape;

/// Width of every drawing in its own units.
const WIDTH: i64 = 1_000;

/// Where a number lies on a scale from 0 to `end`.
fn place(number: Decimal, end: Decimal) -> i64 {
    if end <= Decimal::ZERO {
        return 0;
    }
    let units = number.checked_mul(Decimal::from(WIDTH)).and_then(|number| number.checked_div(end));
    units.and_then(|units| units.round().to_i64()).unwrap_or(WIDTH).clamp(0, WIDTH)
}

fn drawing(about: &str, inside: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} 24\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{inside}</svg>",
        escape(about)
    )
}

fn block(from: i64, to: i64, colour: &str) -> String {
    let width = (to - from).max(0);
    format!("<rect x=\"{from}\" y=\"5\" width=\"{width}\" height=\"14\" fill=\"{colour}\"/>")
}

fn upright(at: i64, top: i64, bottom: i64, colour: &str) -> String {
    line((at, top), (at, bottom), colour, "")
}

fn line(from: (i64, i64), to: (i64, i64), colour: &str, more: &str) -> String {
    format!(
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"2\" \
         vector-effect=\"non-scaling-stroke\"{more}/>",
        from.0, from.1, to.0, to.1
    )
}

/// A bar from 0 to a value on a scale up to `end`, with the range of the value.
pub(super) fn bar(
    about: &str,
    value: Decimal,
    range: Option<(Decimal, Decimal)>,
    end: Decimal,
    first: bool,
) -> String {
    let colour = if first { "#a93a26" } else { "#7d8796" };
    let mut inside = block(0, place(value, end).max(2), colour);
    if let Some((low, high)) = range {
        let (low, high) = (place(low, end), place(high, end));
        inside.push_str(&line((low, 12), (high, 12), "#1b2330", ""));
        inside.push_str(&upright(low, 7, 17, "#1b2330"));
        inside.push_str(&upright(high, 7, 17, "#1b2330"));
    }
    drawing(about, &inside)
}

/// Parts of a whole, one after the other; each with its colour.
pub(super) fn parts(about: &str, parts: &[(usize, &str)]) -> String {
    let whole: usize = parts.iter().map(|(count, _)| count).sum();
    let (mut from, mut sum, mut inside) = (0, 0, String::new());
    for (count, colour) in parts {
        sum += count;
        let to = place(Decimal::from(sum), Decimal::from(whole));
        inside.push_str(&block(from, to, colour));
        from = to;
    }
    drawing(about, &inside)
}

/// A value and its interval on a scale from 0 to `end`, with a line where nothing differs.
pub(super) fn interval(
    about: &str,
    value: Option<Decimal>,
    (low, high): (Decimal, Option<Decimal>),
    (same, end): (Decimal, Decimal),
) -> String {
    let middle = place(same, end);
    let mut inside = line((middle, 0), (middle, 24), "#566072", " stroke-dasharray=\"3 3\"");
    let to = high.map_or(WIDTH, |high| place(high, end));
    let colour = if low > same { "#a93a26" } else { "#234f7d" };
    inside.push_str(&line((place(low, end), 12), (to, 12), colour, ""));
    inside.push_str(&upright(place(low, end), 7, 17, colour));
    if high.is_some_and(|high| high <= end) {
        inside.push_str(&upright(to, 7, 17, colour));
    } else {
        // It goes on beyond the scale.
        inside.push_str(&line((WIDTH - 12, 6), (WIDTH, 12), colour, ""));
        inside.push_str(&line((WIDTH - 12, 18), (WIDTH, 12), colour, ""));
    }
    if let Some(value) = value {
        let at = place(value, end);
        inside.push_str(&block((at - 5).max(0), (at + 5).min(WIDTH), colour));
    }
    drawing(about, &inside)
}

/// From a value before to a value after, on a scale from `least` to `most`.
pub(super) fn change(
    about: &str,
    before: Decimal,
    after: Decimal,
    (least, most): (Decimal, Decimal),
) -> String {
    let at = |number: Decimal| place(number - least, most - least);
    let colour = if after >= before { "#256b45" } else { "#a93a26" };
    let (from, to) = (at(before), at(after));
    let middle = at(Decimal::ZERO);
    let inside = [
        line((middle, 0), (middle, 24), "#566072", " stroke-dasharray=\"3 3\""),
        line((from, 12), (to, 12), colour, ""),
        block((from - 4).max(0), (from + 4).min(WIDTH), "#7d8796"),
        block((to - 4).max(0), (to + 4).min(WIDTH), colour),
    ];
    drawing(about, &inside.concat())
}

/// One row of a chart: name and value as HTML, the drawing between them.
pub(super) fn row(name: &str, drawing: &str, value: &str, first: bool) -> String {
    let class = if first { "bar first" } else { "bar" };
    format!(
        "<div class=\"{class}\"><div class=\"name\">{name}</div>{drawing}<div class=\"value\">{value}</div></div>"
    )
}

/// The scale under rows: what stands at its left and right ends, as text.
pub(super) fn scale(marks: &[&str]) -> String {
    let marks: Vec<String> = marks.iter().map(|mark| format!("<em>{}</em>", escape(mark))).collect();
    format!("<div class=\"scale\"><div></div><span>{}</span><div></div></div>", marks.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_outside_of_its_frame() {
        let huge = Decimal::MAX;
        for html in [
            bar("a", huge, Some((Decimal::ZERO, huge)), Decimal::ONE, true),
            bar("a", Decimal::ONE, None, Decimal::ZERO, false),
            interval("a", Some(huge), (Decimal::ZERO, None), (Decimal::ONE, Decimal::TEN)),
            change(
                "a",
                -Decimal::from(500),
                Decimal::from(500),
                (-Decimal::ONE_HUNDRED, Decimal::ONE_HUNDRED),
            ),
            parts("a", &[(0, "red"), (0, "blue")]),
        ] {
            let numbers = html.split('"').filter_map(|each| each.parse::<i64>().ok());
            assert!(numbers.clone().count() > 0);
            assert!(numbers.into_iter().all(|number| (0..=WIDTH).contains(&number)), "{html}");
        }
    }
}
