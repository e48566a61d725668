//! Pictures of reports: what is to be seen (`Picture`), drawn by charts-rs as SVG, and as PNG from the same SVG. Every
//! picture has a title, a note with period, unit and sample size, and values written beside what it shows; colours differ
//! in lightness and lines in their dashes, so that it reads without colour. It holds no script, and every text is escaped.

mod draw;
mod estimates;
mod font;
mod map;
mod paper;
mod scale;

use charts_rs::{Result, svg_to_png, svg_with_accessibility};
use poem_openapi::Enum;

/// The width of pictures, in pixels.
pub const WIDE: f32 = 800.0;
/// That of pictures for phones, on which wide ones could not be read.
pub const NARROW: f32 = 420.0;

/// On what a picture is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

/// A report to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub title: String,
    /// Period, unit, sample size.
    pub note: String,
    pub plot: Plot,
    /// Stands where there is nothing to be seen.
    pub empty: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// A row of bars for each name, one bar a series.
    Rows { names: Vec<String>, series: Vec<Series> },
    /// Bars and lines over names that follow each other, such as weeks.
    Columns { names: Vec<String>, series: Vec<Series> },
    /// A row for each share, with its interval.
    Estimates(Vec<Estimate>),
    /// What went from where to where.
    Flows(Vec<(String, String, f64)>),
    /// Places in the order in which they were visited, and what their marks mean.
    Map { spots: Vec<Spot>, marks: Vec<(Mark, String)> },
}

/// A share in per cent, and the interval in which the true one lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub name: String,
    pub share: f64,
    pub low: f64,
    pub high: f64,
    /// All of it in words, which stand beside the bar.
    pub told: String,
}

/// A place on a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// Its place in the order, from 1.
    pub number: usize,
    /// Short: it stands beside the mark.
    pub name: String,
    /// Degrees, WGS 84.
    pub north: f64,
    pub east: f64,
    pub mark: Mark,
}

/// How a place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A check-in proves it.
    Proven,
    /// The check-in was elsewhere than the account.
    Elsewhere,
    /// There is a check-in, and nothing to hold it against.
    Unproven,
    /// Nobody checked in: it is where the account is.
    Address,
}

/// One thing that is compared with others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub name: String,
    /// One for each name.
    pub values: Vec<Option<f64>>,
    /// In columns: a line.
    pub is_line: bool,
    /// Those of one name stand on each other.
    pub stack: Option<&'static str>,
    /// Per cent of a whole: no more than 100.
    pub is_share: bool,
}

impl Series {
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Series { name: name.into(), values: values.into_iter().map(Some).collect(), ..Series::default() }
    }

    /// Values in per cent of a whole.
    pub fn share(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Series { is_share: true, ..Series::new(name, values) }
    }
}

impl Picture {
    /// # Errors
    /// What the library refuses.
    pub fn svg(&self, theme: Theme) -> Result<String> {
        self.svg_of(theme, WIDE)
    }

    /// The same of this width.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn svg_of(&self, theme: Theme, width: f32) -> Result<String> {
        font::register();
        let svg = draw::svg(self, theme, width)?;
        Ok(svg_with_accessibility(&svg, &format!("{}. {}", self.title, self.note), &self.told()))
    }

    /// # Errors
    /// What the library refuses.
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>> {
        svg_to_png(&self.svg(theme)?)
    }

    /// The figures in words, for those who cannot see them.
    fn told(&self) -> String {
        match &self.plot {
            Plot::Rows { names, series } | Plot::Columns { names, series } => {
                let told = series.iter().map(|series| {
                    let values = names.iter().zip(&series.values);
                    let values: Vec<String> =
                        values.filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
                    format!("{}: {}.", series.name, values.join(", "))
                });
                told.collect::<Vec<_>>().join(" ")
            }
            Plot::Estimates(rows) => {
                let told: Vec<String> = rows.iter().map(|row| format!("{} {}", row.name, row.told)).collect();
                told.join("; ")
            }
            Plot::Map { spots, marks } => {
                let means = |mark: Mark| marks.iter().find(|(own, _)| *own == mark).map_or("", |(_, told)| told);
                let told = spots.iter().map(|spot| format!("{}. {} ({})", spot.number, spot.name, means(spot.mark)));
                told.collect::<Vec<_>>().join("; ")
            }
            Plot::Flows(flows) => {
                let told: Vec<String> = flows.iter().map(|(from, to, n)| format!("{from} {to} {n}")).collect();
                told.join("; ")
            }
        }
    }
}
