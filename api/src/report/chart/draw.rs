//! From a `Picture` to the library's charts.

use std::collections::BTreeSet;

use charts_rs::{
    BarChart, Color, HorizontalBarChart, Position, Result, SankeyChart, SankeyLink, SeriesBand, SeriesCategory,
    THEME_DARK, THEME_LIGHT,
};

use super::{Picture, Plot, Series, Theme};

/// Title, note and legend.
const HEAD: f32 = 96.0;
/// The axis below.
const FOOT: f32 = 34.0;
/// What texts are measured with, and what PNG has.
const FONT: &str = "Noto Sans SC";
/// A viewer that lacks it takes one of the others.
const FONTS: &str =
    "'Noto Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";
/// What a bar with an interval is painted in, so that the interval is seen on it.
const LIGHT: usize = 3;

/// Neighbours differ in lightness by a fifth or more, so that they can be told apart in print and by those who see no colour.
const ON_WHITE: [(u8, u8, u8); 6] =
    [(22, 50, 92), (214, 138, 36), (150, 46, 60), (160, 200, 226), (110, 110, 110), (230, 200, 120)];
const ON_BLACK: [(u8, u8, u8); 6] =
    [(176, 212, 240), (214, 110, 36), (250, 230, 150), (74, 112, 150), (240, 170, 170), (120, 120, 120)];
/// What dark pictures are drawn on: the colour of the pages' cards.
const DARK: (u8, u8, u8) = (20, 29, 33);
const DASHES: [&str; 4] = ["", "6 3", "2 3", "8 3 2 3"];

/// Sets what all charts have.
macro_rules! dressed {
    ($chart:expr, $picture:expr, $theme:expr, $width:expr, $height:expr) => {{
        let mut chart = $chart;
        chart.width = $width;
        chart.height = $height;
        chart.font_family = FONT.to_owned();
        chart.title.text = $picture.title.clone();
        chart.sub_title.text = $picture.note.clone();
        chart.empty_text = Some($picture.empty.clone());
        chart.series.colors = palette($theme);
        chart.series.label.hide_overlap = true;
        chart.margin = 12.0.into();
        if $theme == Theme::Dark {
            chart.background_color = DARK.into();
        }
        chart
    }};
}

pub(super) fn svg(picture: &Picture, theme: Theme, width: f32) -> Result<String> {
    let named = |font: &str| format!("font-family=\"{font}\"");
    Ok(measured(picture, theme, width)?.replace(&named(FONT), &named(FONTS)))
}

/// With the font that the layout was measured with alone.
fn measured(picture: &Picture, theme: Theme, width: f32) -> Result<String> {
    let name = match theme {
        Theme::Light => THEME_LIGHT,
        Theme::Dark => THEME_DARK,
    };
    match &picture.plot {
        Plot::Rows { names, series } => {
            let bars = series.iter().filter(|series| series.stack.is_none()).count()
                + usize::from(series.iter().any(|series| series.stack.is_some()));
            let height = HEAD + FOOT + (names.len().max(1) * (bars.max(1) * 20 + 14)) as f32;
            // The library counts rows from the axis at the bottom.
            let names = names.iter().rev().cloned().collect();
            let series = series.iter().map(|series| {
                let mut told = drawn(series);
                told.data.reverse();
                told
            });
            let chart = HorizontalBarChart::new_with_theme(series.collect(), names, name);
            let mut chart = dressed!(chart, picture, theme, width, height);
            chart.legend.show = Some(chart.series_list.len() > 1);
            chart.series_label_position = Some(Position::Right);
            chart.svg()
        }
        Plot::Columns { names, series } => {
            let series = series.iter().enumerate().map(|(place, series)| {
                let mut told = drawn(series);
                let dash = DASHES[place % DASHES.len()];
                told.stroke_dash_array = (series.is_line && !dash.is_empty()).then(|| dash.to_owned());
                told
            });
            let series = series.collect();
            let mut chart =
                dressed!(BarChart::new_with_theme(series, names.clone(), name), picture, theme, width, 420.0);
            chart.legend.show = Some(chart.series_list.len() > 1);
            chart.svg()
        }
        Plot::Flows(flows) => {
            let links = flows.iter().map(|(source, target, value)| SankeyLink {
                source: source.clone(),
                target: target.clone(),
                value: *value as f32,
            });
            let ends: BTreeSet<&String> = flows.iter().map(|(_, to, _)| to).collect();
            let mut chart = SankeyChart::new_with_theme(Vec::new(), links.collect(), name);
            chart.node_gap = 18.0;
            dressed!(chart, picture, theme, width, HEAD + (ends.len().max(8) * 40) as f32).svg()
        }
    }
}

fn palette(theme: Theme) -> Vec<Color> {
    let colors = match theme {
        Theme::Light => ON_WHITE,
        Theme::Dark => ON_BLACK,
    };
    colors.into_iter().map(Color::from).collect()
}

fn drawn(series: &Series) -> charts_rs::Series {
    let values: Vec<Option<f32>> = series.values.iter().map(|value| value.map(|value| value as f32)).collect();
    let mut told = charts_rs::Series::from((series.name.as_str(), values));
    told.label_show = series.intervals.is_none() && series.stack.is_none() && !series.is_line;
    told.index = series.intervals.as_ref().map(|_| LIGHT);
    told.category = series.is_line.then_some(SeriesCategory::Line);
    told.stack = series.stack.map(str::to_owned);
    told.error_bar = series.intervals.as_ref().map(|ends| {
        let (lower, upper): (Vec<f32>, Vec<f32>) = ends.iter().map(|(low, high)| (*low as f32, *high as f32)).unzip();
        SeriesBand::new(lower, upper)
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_colours_differ_in_lightness() {
        let lightness =
            |(r, g, b): (u8, u8, u8)| (0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)) / 255.0;
        for palette in [ON_WHITE, ON_BLACK] {
            for pair in palette.windows(2) {
                assert!((lightness(pair[0]) - lightness(pair[1])).abs() >= 0.2, "{pair:?}");
            }
        }
    }

    #[test]
    fn what_users_typed_is_escaped_everywhere() {
        let nasty = "<script>alert(1)</script>&\"'";
        let series = || Series { name: nasty.to_owned(), values: vec![Some(3.0)], ..Series::default() };
        let names = || vec![nasty.to_owned()];
        for plot in [
            Plot::Rows { names: names(), series: vec![series(), series()] },
            Plot::Columns { names: names(), series: vec![series(), Series { is_line: true, ..series() }] },
            Plot::Flows(vec![(nasty.to_owned(), format!("{nasty} "), 1.0)]),
        ] {
            let picture = Picture { title: nasty.to_owned(), note: nasty.to_owned(), plot, empty: nasty.to_owned() };
            for theme in [Theme::Light, Theme::Dark] {
                let svg = picture.svg(theme).expect("draws");
                assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
                assert!(picture.png(theme).expect("well-formed").starts_with(b"\x89PNG"));
            }
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let empty = [
            Plot::Rows { names: Vec::new(), series: Vec::new() },
            Plot::Columns { names: Vec::new(), series: Vec::new() },
            Plot::Flows(Vec::new()),
        ];
        for plot in empty {
            let picture = Picture { title: "Goals".into(), note: "n=0".into(), plot, empty: "There are none.".into() };
            assert!(picture.svg(Theme::Light).expect("draws").contains("Goals"));
        }
    }
}
