//! Estimates with their 95 per cent confidence intervals. Pure arithmetic; the quantiles come from `statrs`.
//!
//! - A share: Wilson's score interval (E. B. Wilson, 1927).
//! - A difference of shares: Newcombe's hybrid score interval, his method 10 (R. G. Newcombe, Statistics in Medicine 17,
//!   1998). It is MOVER, "method of variance estimates recovery", on Wilson's limits; the same recovery gives the
//!   difference of medians and the difference of differences.
//! - A ratio of shares: MOVER for ratios (A. Donner and G. Y. Zou, Statistical Methods in Medical Research 21, 2012).
//! - A median: the order statistics between which it lies by the binomial distribution, without assuming a shape.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

const CONFIDENCE: f64 = 0.95;
/// How surely a true difference is to be found, for `needed`.
const POWER: f64 = 0.8;

/// A figure and the limits between which the truth lies, as far as chance alone is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// The same in another unit.
    pub fn times(self, factor: f64) -> Self {
        let (low, high) = (self.low * factor, self.high * factor);
        Estimate { value: self.value * factor, low: low.min(high), high: low.max(high) }
    }

    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The quantile of the standard normal distribution.
fn quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

fn z() -> f64 {
    quantile(0.5 + CONFIDENCE / 2.0)
}

/// `count` out of `of`; nothing out of nothing is no estimate.
pub fn share(count: usize, of: usize) -> Option<Estimate> {
    if of == 0 {
        return None;
    }
    let (n, z2) = (of as f64, z() * z());
    let p = count as f64 / n;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z() * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    // Where none or all are counted, the limit is the end of the scale; rounding would miss it by a hair.
    let low = if count == 0 { 0.0 } else { middle - half };
    let high = if count == of { 1.0 } else { middle + half };
    Some(Estimate { value: p, low, high })
}

/// `a − b`, two independent figures.
pub fn difference(a: Estimate, b: Estimate) -> Estimate {
    let value = a.value - b.value;
    Estimate {
        value,
        low: value - (a.value - a.low).hypot(b.high - b.value),
        high: value + (a.high - a.value).hypot(b.value - b.low),
    }
}

/// The mean of independent figures by weights of any size.
pub fn mean(figures: &[(f64, Estimate)]) -> Option<Estimate> {
    let total: f64 = figures.iter().map(|(weight, _)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let value = figures.iter().map(|(weight, figure)| weight / total * figure.value).sum::<f64>();
    let root = |part: fn(&Estimate) -> f64| {
        figures.iter().map(|(weight, figure)| (weight / total * part(figure)).powi(2)).sum::<f64>().sqrt()
    };
    Some(Estimate { value, low: value - root(|f| f.value - f.low), high: value + root(|f| f.high - f.value) })
}

/// `a / b`, two independent shares with their Wilson limits; none where `b` is nothing or may be.
pub fn ratio(a: Estimate, b: Estimate) -> Option<Estimate> {
    let product = a.value * b.value;
    let low_of = b.high * (2.0 * b.value - b.high);
    let high_of = b.low * (2.0 * b.value - b.low);
    if b.value <= 0.0 || high_of <= 0.0 {
        return None;
    }
    let root = |limit: f64, of: f64| (product * product - limit * (2.0 * a.value - limit) * of).max(0.0).sqrt();
    // `2 b − high` may reach zero; the same limit, solved without dividing by it.
    let (up, upper_root) = (a.low * (2.0 * a.value - a.low), root(a.low, low_of));
    let low = if product + upper_root > 0.0 { up / (product + upper_root) } else { 0.0 };
    let high = (product + root(a.high, high_of)) / high_of;
    Some(Estimate { value: a.value / b.value, low: low.max(0.0), high })
}

/// The median of values in rising order; none where they are too few for an interval.
pub fn median(sorted: &[f64]) -> Option<Estimate> {
    let n = sorted.len();
    let half = Binomial::new(0.5, n as u64).ok()?;
    // The largest rank of which so few lie below the median that this happens in 2.5 per cent of all samples.
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let rank = (0..=n / 2).collect::<Vec<_>>().partition_point(|&k| half.cdf(k as u64) <= tail);
    let low = *sorted.get(rank.checked_sub(1)?)?;
    let high = *sorted.get(n - rank)?;
    let value = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    Some(Estimate { value, low, high })
}

/// How many are needed in each of two groups to tell apart a share of `from` and one that is `by` higher.
pub fn needed(from: f64, by: f64) -> Option<i64> {
    let to = from + by;
    if by == 0.0 || !(0.0..=1.0).contains(&from) || !(0.0..=1.0).contains(&to) {
        return None;
    }
    let middle = (from + to) / 2.0;
    let spread =
        z() * (2.0 * middle * (1.0 - middle)).sqrt() + quantile(POWER) * (from * (1.0 - from) + to * (1.0 - to)).sqrt();
    Some((spread / by).powi(2).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: Estimate, low: f64, high: f64) {
        assert!((found.low - low).abs() < 6e-5 && (found.high - high).abs() < 6e-5, "{found:?} is not {low} to {high}");
    }

    fn compared(a: (usize, usize), b: (usize, usize)) -> Estimate {
        difference(share(a.0, a.1).unwrap(), share(b.0, b.1).unwrap())
    }

    #[test]
    fn shares_are_those_of_newcombes_first_paper() {
        close(share(81, 263).unwrap(), 0.2553, 0.3662);
        close(share(15, 148).unwrap(), 0.0624, 0.1605);
        close(share(0, 20).unwrap(), 0.0, 0.1611);
        close(share(1, 29).unwrap(), 0.0061, 0.1718);
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn differences_are_those_of_newcombes_second_paper() {
        close(compared((56, 70), (48, 80)), 0.0524, 0.3339);
        close(compared((9, 10), (3, 10)), 0.1705, 0.8090);
        close(compared((6, 7), (2, 7)), 0.0582, 0.8062);
        close(compared((5, 56), (0, 29)), -0.0381, 0.1926);
        close(compared((0, 10), (0, 20)), -0.1611, 0.2775);
        close(compared((10, 10), (0, 10)), 0.6075, 1.0);
    }

    #[test]
    fn a_median_lies_between_two_of_its_values() {
        let days: Vec<f64> = (1..=20).map(f64::from).collect();
        // The 6th and the 15th of 20: they cover the median with 95.86 per cent.
        assert_eq!(median(&days), Some(Estimate { value: 10.5, low: 6.0, high: 15.0 }));
        assert_eq!(median(&days[..6]), Some(Estimate { value: 3.5, low: 1.0, high: 6.0 }));
        assert_eq!(median(&days[..5]), None);
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn so_many_are_needed_as_the_textbook_says() {
        // Fleiss, Levin, Paik: Statistical Methods for Rates and Proportions, 3rd ed., without the correction.
        assert_eq!(needed(0.4, 0.1), Some(388));
        assert_eq!(needed(0.95, 0.1), None);
        assert_eq!(needed(0.5, 0.0), None);
    }

    #[test]
    fn nothing_against_nothing_is_no_ratio() {
        assert_eq!(ratio(share(3, 10).unwrap(), share(0, 10).unwrap()), None);
        let even = ratio(share(30, 100).unwrap(), share(30, 100).unwrap()).unwrap();
        assert!(even.value == 1.0 && even.low < 1.0 && even.high > 1.0, "{even:?}");
        let none = ratio(share(0, 50).unwrap(), share(20, 50).unwrap()).unwrap();
        assert!(none.value == 0.0 && none.low == 0.0 && none.high > 0.0 && none.high < 1.0, "{none:?}");
    }

    proptest! {
        /// A figure lies between its limits, a swap mirrors a difference, and a ratio and a difference of the same shares
        /// agree on the direction of what they are sure of.
        #[test]
        fn intervals_hold_their_figures(a in 0usize..=400, n in 1usize..=400, b in 0usize..=400, m in 1usize..=400) {
            let (a, b) = (share(a.min(n), n).unwrap(), share(b.min(m), m).unwrap());
            let (there, back) = (difference(a, b), difference(b, a));
            prop_assert!(a.holds(a.value) && a.low >= 0.0 && a.high <= 1.0);
            prop_assert!(there.holds(there.value) && there.low >= -1.0 - 1e-12 && there.high <= 1.0 + 1e-12);
            prop_assert!((there.low + back.high).abs() < 1e-12 && (there.high + back.low).abs() < 1e-12);
            if let Some(times) = ratio(a, b) {
                prop_assert!(times.low <= times.value + 1e-12 && times.value <= times.high + 1e-12, "{times:?}");
                prop_assert!(times.low >= 0.0);
            }
            prop_assert_eq!(mean(&[(3.0, a)]).map(|mean| (mean.value - a.value).abs() < 1e-12), Some(true));
        }

        #[test]
        fn a_median_has_limits_around_it(mut values in prop::collection::vec(0.0f64..1000.0, 0..200)) {
            values.sort_by(f64::total_cmp);
            let found = median(&values);
            prop_assert_eq!(found.is_some(), values.len() >= 6);
            if let Some(found) = found {
                prop_assert!(found.holds(found.value));
            }
        }
    }
}
