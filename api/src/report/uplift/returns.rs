//! What a change of the signing rate is worth. Pure arithmetic.

use entity::scalar::Money;
use rust_decimal::{Decimal, RoundingStrategy};

use super::cohort::Effect;
use super::wire::{UpliftReading, UpliftReturn};

/// What the arithmetic needs beside the change.
#[derive(Clone, Debug)]
pub struct Case {
    pub average_contract: Decimal,
    pub opportunities_per_month: f64,
    pub months: i32,
    pub investment: Option<Decimal>,
    /// What is left of a contract's value, in per cent.
    pub margin_percent: f64,
    /// A claimed uplift: `10` for "ten per cent", whichever way it was meant.
    pub claim: Option<f64>,
}

/// Two digits after the point.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn decimal(value: f64) -> Decimal {
    Decimal::try_from(value).unwrap_or_default()
}

impl Case {
    /// All readings. `effect`: what was measured, if there were enough to tell.
    pub fn readings(&self, effect: Option<&Effect>) -> Vec<UpliftReturn> {
        let measured = effect.map(|effect| effect.difference);
        let mut returns = vec![UpliftReturn {
            return_percent_low: measured.and_then(|points| self.return_percent(points.low)),
            return_percent_high: measured.and_then(|points| self.return_percent(points.high)),
            ..self.of(UpliftReading::Measured, measured.map(|points| points.value))
        }];
        if let Some(claim) = self.claim.map(|claim| claim / 100.0) {
            let as_percent = effect.map(|effect| effect.expected * claim);
            for (reading, points) in
                [(UpliftReading::ClaimAsPoints, Some(claim)), (UpliftReading::ClaimAsPercent, as_percent)]
            {
                let is_consistent = measured.zip(points).map(|(measured, points)| measured.holds(points));
                returns.push(UpliftReturn { is_consistent, ..self.of(reading, points) });
            }
        }
        returns
    }

    fn of(&self, reading: UpliftReading, change: Option<f64>) -> UpliftReturn {
        let revenue = change.map(|change| self.revenue(change));
        let profit = revenue.and_then(|revenue| self.profit(revenue));
        UpliftReturn {
            reading,
            points: change.map(|change| rounded(change * 100.0)),
            signed_per_month: change.map(|change| rounded(self.opportunities_per_month * change)),
            revenue: revenue.map(money),
            profit: profit.map(money),
            return_percent: change.and_then(|change| self.return_percent(change)),
            return_percent_low: None,
            return_percent_high: None,
            is_consistent: None,
        }
    }

    /// What the contracts of all months are worth that a change of the rate brings.
    pub fn revenue(&self, change: f64) -> Decimal {
        decimal(self.opportunities_per_month * change * f64::from(self.months)) * self.average_contract
    }

    fn profit(&self, revenue: Decimal) -> Option<Decimal> {
        Some(revenue * decimal(self.margin_percent / 100.0) - self.investment?)
    }

    fn return_percent(&self, change: f64) -> Option<f64> {
        let investment = self.investment.filter(|investment| !investment.is_zero())?;
        let share = self.profit(self.revenue(change))? / investment * Decimal::ONE_HUNDRED;
        share.round_dp(2).to_string().parse().ok()
    }
}

fn money(amount: Decimal) -> Money {
    Money(amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::super::interval::{difference, share};
    use super::*;

    /// The case that the product comes from: 20 to 30 opportunities a month, contracts of 500,000 on average, and an uplift of
    /// "10 %", which may mean two things.
    #[test]
    fn ten_per_cent_is_two_things() {
        let (before, after) = (share(60, 150).unwrap(), share(75, 150).unwrap());
        let effect = Effect { difference: difference(after, before), expected: before.value, relative: None };
        for (per_month, as_points, as_percent) in [
            (20.0, (2.0, "12000000.00"), (0.8, "4800000.00")),
            (25.0, (2.5, "15000000.00"), (1.0, "6000000.00")),
            (30.0, (3.0, "18000000.00"), (1.2, "7200000.00")),
        ] {
            let case = Case {
                average_contract: Decimal::from(500_000),
                opportunities_per_month: per_month,
                months: 12,
                investment: Some(Decimal::from(1_000_000)),
                margin_percent: 100.0,
                claim: Some(10.0),
            };
            let told = case.readings(Some(&effect));
            let figures = |told: &UpliftReturn| {
                (told.signed_per_month.expect("a number"), told.revenue.expect("an amount").to_string())
            };
            assert_eq!(figures(&told[1]), (as_points.0, as_points.1.to_owned()));
            assert_eq!(figures(&told[2]), (as_percent.0, as_percent.1.to_owned()));
            assert_eq!((told[1].points, told[2].points), (Some(10.0), Some(4.0)));
            assert_eq!(told[1].return_percent, Some(per_month * 60.0 - 100.0));
            // Measured were ten points, but 150 on each side cannot tell ten from four.
            assert_eq!(
                (told[0].points, told[1].is_consistent, told[2].is_consistent),
                (Some(10.0), Some(true), Some(true))
            );
            assert!(told[0].return_percent_low < Some(0.0) && told[0].return_percent_high > told[0].return_percent);
        }
    }

    #[test]
    fn without_a_measurement_only_the_claim_in_points_has_figures() {
        let case = Case {
            average_contract: Decimal::from(500_000),
            opportunities_per_month: 25.0,
            months: 1,
            investment: None,
            margin_percent: 40.0,
            claim: Some(10.0),
        };
        let told = case.readings(None);
        assert_eq!((told[0].points, told[0].revenue, told[2].revenue), (None, None, None));
        assert_eq!(told[1].revenue, Some(Money(Decimal::from(1_250_000))));
        assert_eq!((told[1].profit, told[1].return_percent, told[1].is_consistent), (None, None, None));
    }
}
