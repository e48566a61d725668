//! One report in four forms at one URL: JSON, a table, and a picture as SVG or PNG. The form is what `format` says, or
//! else what `Accept` asks for; a browser's `<img>` cannot send an `Accept` of its own, so that both are needed.

use std::marker::PhantomData;

use entity::kind::Locale;
use poem::http::{HeaderMap, header};
use poem::{Body, FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use poem_openapi::{ApiResponse, Enum};

use super::CurrencyAmount;
use super::chart::{Picture, Theme, WIDE};
use super::words::Words;
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::statement::sheet;

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ReportFormat {
    Json,
    Csv,
    Svg,
    Png,
}

impl ReportFormat {
    const ALL: [ReportFormat; 4] = [ReportFormat::Json, ReportFormat::Csv, ReportFormat::Svg, ReportFormat::Png];

    const fn media_type(self) -> &'static str {
        match self {
            ReportFormat::Json => "application/json",
            ReportFormat::Csv => "text/csv",
            ReportFormat::Svg => "image/svg+xml",
            ReportFormat::Png => "image/png",
        }
    }
}

/// What a report is to be sent as.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub format: ReportFormat,
    pub locale: Locale,
    pub theme: Theme,
    /// Of a picture as SVG.
    pub width: f32,
}

impl Asked {
    /// What the parameters say goes before what the headers say.
    pub fn or(self, format: Option<ReportFormat>, locale: Option<Locale>, theme: Option<Theme>) -> Self {
        Asked {
            format: format.unwrap_or(self.format),
            locale: locale.unwrap_or(self.locale),
            theme: theme.unwrap_or(self.theme),
            width: self.width,
        }
    }

    fn of(headers: &HeaderMap) -> Self {
        Asked { format: format_of(headers), locale: locale_of(headers), theme: Theme::Light, width: WIDE }
    }
}

impl<'a> FromRequest<'a> for Asked {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Asked::of(request.headers()))
    }
}

/// The form with the highest weight (RFC 9110, 12.5.1), JSON where several are as welcome or none is named.
fn format_of(headers: &HeaderMap) -> ReportFormat {
    let weight = |format: ReportFormat| {
        let named =
            weighted(headers, header::ACCEPT).filter(|(name, _)| name.eq_ignore_ascii_case(format.media_type()));
        named.map(|(_, weight)| weight).fold(0.0, f32::max)
    };
    // A browser that opens a picture's address names neither form, but says `*/*` with less weight: that is JSON.
    let best = ReportFormat::ALL.into_iter().rev().max_by(|a, b| weight(*a).total_cmp(&weight(*b)));
    best.filter(|format| weight(*format) > 0.0).unwrap_or(ReportFormat::Json)
}

fn locale_of(headers: &HeaderMap) -> Locale {
    let weight = |language: &str| {
        let of = weighted(headers, header::ACCEPT_LANGUAGE)
            .filter(|(name, _)| name.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case(language)));
        of.map(|(_, weight)| weight).fold(0.0, f32::max)
    };
    if weight("zh") > weight("en") { Locale::Zh } else { Locale::En }
}

/// `text/csv;q=0.5, */*` → each name and its weight.
fn weighted(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = (&str, f32)> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    })
}

/// A table: a header, and rows of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// Of rows that name what they have: nothing stands under the other heads.
    pub fn of(header: Vec<&'static str>, rows: impl IntoIterator<Item = Vec<(&'static str, Cell)>>) -> Self {
        let row = |named: Vec<(&'static str, Cell)>| {
            let mut row = vec![Cell::Empty; header.len()];
            for (name, cell) in named {
                let place = header.iter().position(|head| *head == name);
                row[place.expect("each cell is under a head")] = cell;
            }
            row
        };
        let rows = rows.into_iter().map(row).collect();
        Sheet { header, rows }
    }
}

/// `100.00 CNY; 20.00 USD`
pub fn spelled(amounts: &[CurrencyAmount]) -> Cell {
    let each = amounts.iter().map(|sum| format!("{} {}", sum.amount, sum.currency.as_deref().unwrap_or("?")));
    Cell::text(each.collect::<Vec<_>>().join("; "))
}

/// What stands in a table. Only texts can be mistaken for a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Figure(String),
    Empty,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub fn figure(figure: impl ToString) -> Self {
        Cell::Figure(figure.to_string())
    }

    /// Nothing where there is none.
    pub fn maybe(figure: Option<impl ToString>) -> Self {
        figure.map_or(Cell::Empty, Cell::figure)
    }

    pub fn maybe_text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Cell::Empty, Cell::text)
    }

    fn spelled(&self) -> String {
        match self {
            Cell::Text(text) => sheet::text(text),
            Cell::Figure(figure) => figure.clone(),
            Cell::Empty => String::new(),
        }
    }
}

/// A report that can be sent in every form.
pub trait Report: Type + ToJSON + Send + Sync {
    fn sheet(&self) -> Sheet;
    fn picture(&self, words: &Words) -> Picture;
}

/// A report in the form that was asked for; `T` describes it as JSON.
pub struct Answer<T> {
    format: ReportFormat,
    body: Vec<u8>,
    described: PhantomData<fn() -> T>,
}

impl<T: Report> Answer<T> {
    /// # Errors
    /// What the database or the drawing refuses.
    pub async fn of(state: &State, actor: &Actor, asked: Asked, report: &T) -> Result<Self, Error> {
        let body = match asked.format {
            ReportFormat::Json => report.to_json_string().into_bytes(),
            ReportFormat::Csv => {
                let Sheet { header, rows } = report.sheet();
                let rows = rows.iter().map(|row| row.iter().map(Cell::spelled).collect());
                sheet::table(&header, rows).into_bytes()
            }
            ReportFormat::Svg | ReportFormat::Png => {
                let words = Words::load(state, actor, asked.locale).await?;
                draw(report.picture(&words), asked).await?
            }
        };
        Ok(Answer { format: asked.format, body, described: PhantomData })
    }
}

/// The picture as SVG or PNG.
///
/// # Errors
/// What the drawing refuses.
pub async fn draw(picture: Picture, asked: Asked) -> Result<Vec<u8>, Error> {
    let is_svg = asked.format == ReportFormat::Svg;
    // Measuring texts and setting pixels takes milliseconds that other requests would wait for.
    let drawn = tokio::task::spawn_blocking(move || {
        if is_svg { picture.svg_of(asked.theme, asked.width).map(String::into_bytes) } else { picture.png(asked.theme) }
    });
    let drawn = drawn.await.map_err(|stopped| Error::Internal(format!("drawing stopped: {stopped}")))?;
    drawn.map_err(|error| Error::Internal(format!("a chart could not be drawn: {error}")))
}

/// A picture opened by itself may style itself and nothing more: no script, no request, no form, no opener.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/// Bytes of this form, with what is said about them.
pub fn sent(format: ReportFormat, body: Vec<u8>) -> Response {
    let response =
        Response::builder().content_type(format.media_type()).header(header::VARY, "accept, accept-language");
    let response = match format {
        ReportFormat::Svg => response.header(header::CONTENT_SECURITY_POLICY, PICTURE_POLICY),
        _ => response,
    };
    response.body(Body::from_vec(body))
}

impl<T: Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        sent(self.format, self.body)
    }
}

impl<T: Type> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let binary = || MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = ReportFormat::ALL.into_iter().map(|format| MetaMediaType {
            content_type: format.media_type(),
            schema: if format == ReportFormat::Json { T::schema_ref() } else { binary() },
        });
        let description =
            "The report; by `format` or `Accept` also as a table (RFC 4180, UTF-8 with a mark) and as a picture";
        MetaResponses {
            responses: vec![MetaResponse {
                description,
                status: Some(200),
                status_range: None,
                content: content.collect(),
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[test]
    fn the_form_and_the_language_are_chosen_by_weight() {
        let asked = |accept: &'static str, language: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language));
            let asked = Asked::of(&headers);
            (asked.format, asked.locale)
        };
        assert_eq!(asked("*/*", ""), (ReportFormat::Json, Locale::En));
        assert_eq!(asked("image/svg+xml, */*;q=0.1", "zh-CN, en;q=0.8"), (ReportFormat::Svg, Locale::Zh));
        assert_eq!(asked("image/png;q=0.5, text/csv;q=0.9", "en, zh"), (ReportFormat::Csv, Locale::En));
        assert_eq!(asked("application/json, text/csv", "fr"), (ReportFormat::Json, Locale::En));
        assert_eq!(asked("text/html", "de, zh;q=0.1"), (ReportFormat::Json, Locale::Zh));
        assert_eq!(asked("image/png;q=nonsense", "*"), (ReportFormat::Json, Locale::En));
    }

    #[test]
    fn a_text_in_a_table_is_no_formula_and_a_figure_may_be_negative() {
        assert_eq!(Cell::text("=1+1").spelled(), "'=1+1");
        assert_eq!(Cell::figure(-3).spelled(), "-3");
        assert_eq!(Cell::maybe(None::<i64>).spelled(), "");
    }
}
