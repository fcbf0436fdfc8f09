//! Metric 4.

use super::{Figure, Metric, Window};

/// Accounts that were asked again what a handoff had told, of all accounts with an accepted handoff. `asked` = `None`: nobody listened then, which
/// is not the same as nobody having been asked. `provisional` = one of the acceptances is younger than 30 days.
pub fn rediscovery(window: Window, asked: Option<usize>, accounts: usize, provisional: bool) -> Figure {
    let Some(asked) = asked else {
        let why = "no call was scored and nobody reported a question that was asked again";
        return Figure::not_measurable(Metric::ReDiscovery, window, why);
    };
    let figure = Figure::share(Metric::ReDiscovery, window, asked, accounts, "nothing was accepted yet");
    Figure { provisional, ..figure }
}
