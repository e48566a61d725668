//! From a `Picture` to the library's charts.

use charts_rs::{
    BarChart, Color, HorizontalBarChart, Position, Result, SankeyChart, SankeyLink, SeriesBand, SeriesCategory,
    THEME_DARK, THEME_LIGHT,
};

use super::{Picture, Plot, Series, Theme};

const WIDTH: f32 = 800.0;
/// Title, note and legend.
const HEAD: f32 = 96.0;
/// The axis below.
const FOOT: f32 = 34.0;
/// A viewer that lacks the first takes one of the next; the layout is measured with the first, which the PNG has.
const FONTS: &str = "Roboto, 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";

/// From dark to light on white, and from light to dark on black: they differ in lightness by a fifth or more, so that
/// neighbours can be told apart in print and by those who see no colour.
const ON_WHITE: [(u8, u8, u8); 6] =
    [(22, 50, 92), (214, 138, 36), (74, 128, 178), (150, 46, 60), (160, 200, 226), (110, 110, 110)];
const ON_BLACK: [(u8, u8, u8); 6] =
    [(176, 212, 240), (214, 138, 36), (108, 158, 204), (240, 150, 150), (74, 112, 150), (200, 200, 200)];
const DASHES: [&str; 4] = ["", "6 3", "2 3", "8 3 2 3"];

/// Sets what all charts have.
macro_rules! dressed {
    ($chart:expr, $picture:expr, $theme:expr, $height:expr) => {{
        let mut chart = $chart;
        chart.width = WIDTH;
        chart.height = $height;
        chart.font_family = FONTS.to_owned();
        chart.title.text = $picture.title.clone();
        chart.sub_title.text = $picture.note.clone();
        chart.empty_text = Some($picture.empty.clone());
        chart.series.colors = palette($theme);
        chart.margin = 12.0.into();
        chart
    }};
}

pub(super) fn svg(picture: &Picture, theme: Theme) -> Result<String> {
    let name = match theme {
        Theme::Light => THEME_LIGHT,
        Theme::Dark => THEME_DARK,
    };
    match &picture.plot {
        Plot::Rows { names, series } => {
            let bars = series.iter().filter(|series| series.stack.is_none()).count()
                + usize::from(series.iter().any(|series| series.stack.is_some()));
            let height = HEAD + FOOT + (names.len().max(1) * (bars.max(1) * 20 + 14)) as f32;
            let series = series.iter().map(drawn).collect();
            let mut chart =
                dressed!(HorizontalBarChart::new_with_theme(series, names.clone(), name), picture, theme, height);
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
            let mut chart = dressed!(BarChart::new_with_theme(series, names.clone(), name), picture, theme, 420.0);
            chart.legend.show = Some(chart.series_list.len() > 1);
            chart.svg()
        }
        Plot::Flows(flows) => {
            let links = flows.iter().map(|(source, target, value)| SankeyLink {
                source: source.clone(),
                target: target.clone(),
                value: *value as f32,
            });
            let chart = SankeyChart::new_with_theme(Vec::new(), links.collect(), name);
            dressed!(chart, picture, theme, 460.0).svg()
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
    told.label_show = series.intervals.is_none() && !series.is_line;
    told.category = series.is_line.then_some(SeriesCategory::Line);
    told.stack = series.stack.map(str::to_owned);
    told.error_bar = series.intervals.as_ref().map(|ends| {
        let (lower, upper): (Vec<f32>, Vec<f32>) = ends.iter().map(|(low, high)| (*low as f32, *high as f32)).unzip();
        SeriesBand::new(lower, upper)
    });
    told
}
