//! From a `Picture` to the library's charts.

use std::collections::BTreeSet;

use charts_rs::{
    BarChart, Color, FontConfig, HorizontalBarChart, LegendCategory, Position, Result, SankeyChart, SankeyLink,
    SeriesCategory, THEME_DARK, THEME_LIGHT, TextConfig, YAxisConfig, measure_text_width_family,
};

use super::{Picture, Plot, Series, Theme};

/// Around everything.
pub(super) const MARGIN: f32 = 12.0;
/// The title's line, and those of the note.
const TITLE: f32 = 26.0;
const LINE: f32 = 18.0;
/// The figure beside a bar.
const BESIDE: f32 = 24.0;
/// Between the note and what comes below it.
const UNDER: f32 = 8.0;
/// A row of the legend, and the room between it and the plot: the tallest bar has its figure above it.
const LEGEND: f32 = 24.0;
const LEGEND_GAP: f32 = 28.0;
/// What an entry of the legend takes beside its text.
const LEGEND_MARK: f32 = 42.0;
/// The axis below.
const FOOT: f32 = 34.0;
/// The plot of columns.
const COLUMNS: f32 = 280.0;
/// The least that flows need from side to side.
const FLOWS: f32 = 80.0;
/// Between a label and the bar of a flow's end.
const APART: f32 = 5.0;
/// What texts are measured with, and what PNG has.
pub(super) const FONT: &str = "Noto Sans SC";
/// A viewer that lacks it takes one of the others.
const FONTS: &str =
    "'Noto Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";

/// Neighbours differ in lightness by a fifth or more, so that they can be told apart in print and by those who see no colour.
const ON_WHITE: [(u8, u8, u8); 6] =
    [(22, 50, 92), (214, 138, 36), (150, 46, 60), (160, 200, 226), (110, 110, 110), (230, 200, 120)];
const ON_BLACK: [(u8, u8, u8); 6] =
    [(176, 212, 240), (214, 110, 36), (250, 230, 150), (74, 112, 150), (240, 170, 170), (120, 120, 120)];
/// What dark pictures are drawn on: the colour of the pages' cards.
pub(super) const DARK: (u8, u8, u8) = (20, 29, 33);
/// Between the parts of a note.
const BETWEEN: &str = " · ";
/// Of a line: a viewer's own font may be wider than ours.
pub(super) const SURE: f32 = 0.88;
/// The size of notes.
pub(super) const NOTE: f32 = 12.0;
/// The least room for bars: longer names than that leaves are cut.
const BARS: f32 = 110.0;
const DASHES: [&str; 4] = ["", "6 3", "2 3", "8 3 2 3"];

/// Sets what all charts have.
macro_rules! dressed {
    ($chart:expr, $picture:expr, $theme:expr, $width:expr, $height:expr) => {{
        let mut chart = $chart;
        chart.width = $width;
        chart.height = $height;
        chart.font_family = FONT.to_owned();
        chart.texts = head($picture, $width, &chart.title.font, &chart.sub_title.font);
        chart.legend.margin = Some(charts_rs::Box { bottom: LEGEND_GAP, ..Default::default() });
        chart.empty_text = Some($picture.empty.clone());
        chart.series.colors = palette($theme);
        chart.series.label.hide_overlap = true;
        chart.margin = MARGIN.into();
        chart.margin.top += UNDER;
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
            let height = head_height(picture, width)
                + legend_height(series, width)
                + FOOT
                + (names.len().max(1) * (bars.max(1) * 20 + 14)) as f32;
            let room = width - MARGIN * 2.0 - BESIDE - BARS;
            // The library counts rows from the axis at the bottom.
            let names = names.iter().rev().map(|name| cut(name, room)).collect();
            let told = series.iter().map(|series| {
                let mut told = drawn(series);
                told.data.reverse();
                told
            });
            let chart = HorizontalBarChart::new_with_theme(told.collect(), names, name);
            let mut chart = dressed!(chart, picture, theme, width, height);
            scale_values(&mut chart.y_axis_configs, series);
            chart.legend.show = Some(chart.series_list.len() > 1);
            chart.legend.category = LegendCategory::Rect;
            chart.series_label_position = Some(Position::Right);
            // The figure of the longest bar stands beside it.
            chart.margin.right += BESIDE;
            chart.svg()
        }
        Plot::Columns { names, series } => {
            let height = head_height(picture, width) + legend_height(series, width) + FOOT + COLUMNS;
            let told = series.iter().enumerate().map(|(place, series)| {
                let mut told = drawn(series);
                let dash = DASHES[place % DASHES.len()];
                told.stroke_dash_array = (series.is_line && !dash.is_empty()).then(|| dash.to_owned());
                if told.label_show && series.values.iter().flatten().any(|value| *value != 0.0) {
                    // A bar of nothing is not seen: its "0" would only stand upon the others' figures.
                    told.data.iter_mut().filter(|value| **value == Some(0.0)).for_each(|value| *value = None);
                }
                told
            });
            let told = told.collect();
            let mut chart =
                dressed!(BarChart::new_with_theme(told, names.clone(), name), picture, theme, width, height);
            scale_values(&mut chart.y_axis_configs, series);
            chart.legend.show = Some(chart.series_list.len() > 1);
            if series.iter().all(|series| series.is_line) {
                return chart.svg();
            }
            chart.legend.category = LegendCategory::Rect;
            let lines = series.iter().zip(&chart.series.colors).filter(|(series, _)| series.is_line);
            Ok(lines.fold(chart.svg()?, |svg, (_, color)| thin_mark(&svg, color)))
        }
        Plot::Estimates(rows) => super::estimates::svg(picture, rows, theme, width),
        Plot::Map { spots, marks } => super::map::svg(picture, spots, marks, theme, width),
        Plot::Flows(flows) => {
            let links = flows.iter().map(|(source, target, value)| SankeyLink {
                source: source.clone(),
                target: target.clone(),
                value: *value as f32,
            });
            let ends: BTreeSet<&String> = flows.iter().map(|(_, to, _)| to).collect();
            let mut chart = SankeyChart::new_with_theme(Vec::new(), links.collect(), name);
            chart.node_gap = 18.0;
            let height = head_height(picture, width) + (ends.len().max(8) * 40) as f32;
            let left = widest(flows.iter().map(|(from, _, _)| from));
            let right = widest(flows.iter().map(|(_, to, _)| to));
            let mut chart = dressed!(chart, picture, theme, width, height);
            chart.series.label.font.size = NOTE;
            if width - MARGIN * 2.0 - left - right < FLOWS {
                return Ok(with_halo(&chart.svg()?, chart.background_color));
            }
            chart.margin.left += left;
            chart.margin.right += right;
            Ok(labels_outside(&chart.svg()?, chart.node_width + APART * 2.0))
        }
    }
}

/// Thousands are written in full: the note names a unit, and "k" would be a second one. Shares end at 100 per cent.
fn scale_values(axes: &mut [YAxisConfig], series: &[Series]) {
    for axis in axes {
        axis.formatter = Some("{t}".to_owned());
        if !series.is_empty() && series.iter().all(|series| series.is_share) {
            axis.max = Some(100.0);
            axis.split_number = 5;
        }
    }
}

/// The library marks all entries of a legend alike. Among bars, the mark of a line in this colour becomes a thin one.
fn thin_mark(svg: &str, color: &Color) -> String {
    let hex = color.hex();
    let mark = |height: u8| format!("height=\"{height}\" stroke=\"{hex}\" fill=\"{hex}\"");
    svg.replacen(&mark(10), &format!("{} transform=\"translate(0 4)\"", mark(2)), 1)
}

/// The room that the longest of these takes beside a bar.
pub(super) fn widest<'a>(names: impl Iterator<Item = &'a String>) -> f32 {
    names.map(|name| long(name) / SURE).fold(0.0, f32::max) + APART
}

/// The library writes the names of ends upon their flows, `away` from where nothing crosses them: a name that ends left of
/// its bar is to begin right of it, and the other way round.
fn labels_outside(svg: &str, away: f32) -> String {
    let begins = format!(" transform=\"translate({away})\"");
    let ends = format!(" text-anchor=\"end\" transform=\"translate(-{away})\"");
    svg.replace(" text-anchor=\"end\"", &begins).replace(" text-anchor=\"start\"", &ends)
}

/// Where there is no room beside the flows, names stand upon them with a rim in the colour of the ground.
fn with_halo(svg: &str, ground: Color) -> String {
    let rim =
        format!(" paint-order=\"stroke\" stroke=\"{}\" stroke-width=\"4\" stroke-linejoin=\"round\"", ground.hex());
    svg.replace(" text-anchor=", &format!("{rim} text-anchor="))
}

/// Title and note, in as many lines as the note needs: the library would cut it.
fn head(picture: &Picture, width: f32, title: &FontConfig, note: &FontConfig) -> Vec<TextConfig> {
    let first = std::iter::once((picture.title.clone(), MARGIN, title));
    let lines = lines(picture, width).into_iter().enumerate();
    let lines = lines.map(|(place, line)| (line, MARGIN + TITLE + place as f32 * LINE, note));
    let told = first.chain(lines).map(|(text, top, font)| TextConfig {
        text,
        top: Some(top),
        font: font.clone(),
        reserve: true,
        ..TextConfig::default()
    });
    told.collect()
}

pub(super) fn head_height(picture: &Picture, width: f32) -> f32 {
    MARGIN * 2.0 + UNDER + TITLE + lines(picture, width).len() as f32 * LINE
}

/// The note, broken between its parts where it is too long for one line.
pub(super) fn lines(picture: &Picture, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in picture.note.split(BETWEEN) {
        match lines.last_mut() {
            Some(line) if long(&format!("{line}{BETWEEN}{part}")) <= (width - MARGIN * 2.0) * SURE => {
                line.push_str(BETWEEN);
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// As much of a name as there is room for: a viewer's own font may be wider than ours.
pub(super) fn cut(name: &str, room: f32) -> String {
    let fits = |text: &str| long(text) / SURE <= room;
    if fits(name) {
        return name.to_owned();
    }
    let mut kept = name.to_owned();
    while kept.pop().is_some() {
        let shown = format!("{}…", kept.trim_end());
        if fits(&shown) {
            return shown;
        }
    }
    String::new()
}

fn legend_height(series: &[Series], width: f32) -> f32 {
    if series.len() < 2 {
        return 0.0;
    }
    let (mut rows, mut row) = (1.0, 0.0);
    for entry in series.iter().map(|series| long(&series.name) + LEGEND_MARK) {
        if row + entry > width - MARGIN * 2.0 && row > 0.0 {
            (rows, row) = (rows + 1.0, 0.0);
        }
        row += entry;
    }
    rows * LEGEND + LEGEND_GAP
}

/// Of a text in the size of notes.
pub(super) fn long(text: &str) -> f32 {
    measure_text_width_family(FONT, NOTE, text).map_or(0.0, |measured| measured.width())
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
    told.label_show = series.stack.is_none() && !series.is_line;
    told.category = series.is_line.then_some(SeriesCategory::Line);
    told.stack = series.stack.map(str::to_owned);
    told
}

#[cfg(test)]
mod tests {
    use super::super::{Estimate, Mark, Spot};
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
            Plot::Estimates(vec![Estimate {
                name: nasty.to_owned(),
                share: 38.0,
                low: 25.0,
                high: 52.0,
                told: nasty.to_owned(),
            }]),
            Plot::Flows(vec![(nasty.to_owned(), format!("{nasty} "), 1.0)]),
            Plot::Map {
                spots: vec![Spot { number: 1, name: nasty.to_owned(), north: 31.2, east: 121.4, mark: Mark::Proven }],
                marks: vec![(Mark::Proven, nasty.to_owned())],
            },
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
    fn a_note_is_broken_where_it_is_too_long_and_nothing_of_it_is_lost() {
        super::super::font::register();
        let note =
            "2026-01-01 – 2026-03-31 (as of 2026-03-31) · opportunities that came to the stage · million CNY · n=321";
        let series = vec![Series::new("signed", [1.0]), Series::new("weighted as measured", [2.0])];
        let plot = Plot::Columns { names: vec!["2026-01".into()], series };
        let (title, empty) = ("Forecast".to_owned(), String::new());
        let picture = Picture { title, note: note.into(), plot, empty };
        for width in [super::super::WIDE, super::super::NARROW] {
            let lines = lines(&picture, width);
            assert_eq!(lines.join(BETWEEN), note);
            assert!(lines.iter().all(|line| long(line) <= (width - MARGIN * 2.0) * SURE), "{width}: {lines:?}");
            let svg = picture.svg_of(Theme::Light, width).expect("draws");
            assert!(lines.iter().all(|line| svg.contains(line.as_str())), "{width}: {svg}");
        }
        assert_eq!(lines(&picture, super::super::WIDE).len(), 1);
    }

    fn drawn_of(plot: Plot) -> String {
        let picture = Picture { title: "Figures".into(), note: "n=3".into(), plot, empty: String::new() };
        picture.svg(Theme::Light).expect("draws").replace('\n', "")
    }

    #[test]
    fn axes_tell_thousands_in_full_and_shares_to_100() {
        let names = || vec!["one".to_owned(), "two".to_owned()];
        let sums = || vec![Series::new("signed", [1200.0, 0.0])];
        let shares = || vec![Series::share("won", [64.0, 97.0])];
        for plot in [Plot::Columns { names: names(), series: sums() }, Plot::Rows { names: names(), series: sums() }] {
            let svg = drawn_of(plot);
            assert!(svg.contains(">1,050<") && !svg.contains("k<"), "{svg}");
        }
        for plot in
            [Plot::Columns { names: names(), series: shares() }, Plot::Rows { names: names(), series: shares() }]
        {
            let svg = drawn_of(plot);
            assert!(svg.contains(">80<") && svg.contains(">100<") && !svg.contains(">120<"), "{svg}");
        }
    }

    #[test]
    fn a_long_name_leaves_room_for_its_bar() {
        let name = "Leased lines for the branches of provincial banks, with eight years of service";
        let names = vec![name.to_owned(), "电话".to_owned()];
        let plot = Plot::Rows { names, series: vec![Series::new("won", [8.0, 3.0])] };
        let picture = Picture { title: "Figures".into(), note: "n=3".into(), plot, empty: String::new() };
        let svg = picture.svg_of(Theme::Light, super::super::NARROW).expect("draws");
        let (told, drawn) = svg.split_once("</desc>").expect("a description");
        assert!(told.contains(name), "{svg}");
        assert!(drawn.contains("Leased") && drawn.contains('…') && drawn.contains("电话"), "{svg}");
        assert!(!drawn.contains(name), "{svg}");
    }

    #[test]
    fn a_legend_marks_bars_with_boxes_and_lines_with_thin_ones() {
        let line = Series { is_line: true, ..Series::new("weighted", [2.0]) };
        let series = vec![Series::new("signed", [1.0]), line];
        let svg = drawn_of(Plot::Columns { names: vec!["2026-01".into()], series });
        assert!(svg.contains("height=\"10\" stroke=\"#16325C\""), "{svg}");
        assert!(svg.contains("height=\"2\" stroke=\"#D68A24\""), "{svg}");
    }

    #[test]
    fn the_ends_of_flows_are_named_beside_them_or_with_a_rim() {
        let flow = |to: &str| Plot::Flows(vec![("New (3)".to_owned(), to.to_owned(), 3.0)]);
        let svg = drawn_of(flow("→ Lost: price (3)"));
        assert!(svg.contains("text-anchor=\"end\" transform=\"translate(-26)\""), "{svg}");
        assert!(svg.contains("transform=\"translate(26)\"") && !svg.contains("text-anchor=\"start\""), "{svg}");
        let svg = drawn_of(flow(&"long ".repeat(40)));
        assert!(svg.contains("paint-order=\"stroke\" stroke=\"#FFFFFF\""), "{svg}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let line = Series { is_line: true, ..Series::new("weighted", []) };
        let empty = [
            Plot::Rows { names: Vec::new(), series: Vec::new() },
            Plot::Columns { names: Vec::new(), series: Vec::new() },
            Plot::Columns { names: Vec::new(), series: vec![Series::new("signed", []), line] },
            Plot::Estimates(Vec::new()),
            Plot::Flows(Vec::new()),
            Plot::Map { spots: Vec::new(), marks: Vec::new() },
        ];
        for plot in empty {
            let (note, empty) = ("n=0".into(), "There are none.".into());
            let picture = Picture { title: "Goals".into(), note, plot, empty };
            assert!(picture.svg(Theme::Light).expect("draws").contains("Goals"));
        }
    }
}
