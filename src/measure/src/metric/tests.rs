use proptest::prelude::*;

use super::*;

fn window() -> Window {
    Window { from: None, until: Timestamp::UNIX_EPOCH }
}

fn text(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "-".to_owned(), |interval| format!("{}..{}", interval.low, interval.high))
}

/// Newcombe 1998 (Statistics in Medicine 17, 857–872), table I, method 3: 81/263, 15/148, 0/20, 1/29.
#[test]
fn wilson_equals_the_published_values() {
    assert_eq!(text(wilson(81, 263)), "25.53..36.62");
    assert_eq!(text(wilson(15, 148)), "6.24..16.05");
    assert_eq!(text(wilson(0, 20)), "0..16.11");
    assert_eq!(text(wilson(1, 29)), "0.61..17.18");
    assert_eq!(text(wilson(29, 29)), "88.30..100");
    assert_eq!(text(wilson(0, 0)), "-");
}

#[test]
fn a_share_is_judged_by_its_exact_counts() {
    let just_under = Figure::share(Metric::Completion, window(), 89_999, 100_000, "");
    assert_eq!((just_under.words().as_str(), just_under.band), ("90.00 %", Band::Below));
    assert_eq!(completion(window(), 9, 10).band, Band::OnTarget);
    assert_eq!(completion(window(), 69, 100).band, Band::Aspirational);
    assert_eq!(completion(window(), 70, 100).band, Band::Below);
    assert_eq!(completion(window(), 0, 0).band, Band::NotMeasurable);
    assert_eq!(Figure::share(Metric::ReDiscovery, window(), 1, 10, "").band, Band::Below);
    assert_eq!(Figure::share(Metric::ReDiscovery, window(), 1, 11, "").band, Band::OnTarget);
}

#[test]
fn a_median_between_order_statistics_is_covered_at_95_percent_or_more() {
    for n in 1_u32..=400 {
        let Some((low, high)) = median_ranks(usize::try_from(n).unwrap()) else {
            assert!(n < 8);
            continue;
        };
        assert_eq!(low + high, usize::try_from(n).unwrap() + 1);
        // P(Bin(n, 1/2) <= low - 1), summed from the term of 0 on.
        let (mut term, mut below) = (0.5_f64.powi(i32::try_from(n).unwrap()), 0.0);
        for k in 0..u32::try_from(low).unwrap() {
            below += term;
            term *= f64::from(n - k) / f64::from(k + 1);
        }
        assert!(1.0 - 2.0 * below >= 0.949, "n {n}: {}", 1.0 - 2.0 * below);
    }
}

proptest! {
    #[test]
    fn a_share_lies_within_its_interval(met in 0_usize..5_000, more in 0_usize..5_000) {
        let n = met + more;
        let figure = Figure::share(Metric::Acceptance, window(), met, n, "none");
        let Some(value) = figure.value else { return Ok(()) };
        let interval = figure.interval.unwrap();
        prop_assert!(interval.low <= value && value <= interval.high);
        prop_assert!(interval.low >= Decimal::ZERO && interval.high <= Decimal::ONE_HUNDRED);
    }
}
