//! Compression of answers by `Accept-Encoding`: zstd or gzip, as a stream. Own code, because the framework's middleware
//! sends no `Vary`, never finds zstd by its name and mistakes weights. An `ETag` stays as it is: it names a record's
//! revision, not the bytes that carry it.

use async_compression::{
    Level,
    tokio::bufread::{GzipEncoder, ZstdEncoder},
};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use poem::{
    Body, Response,
    http::{HeaderMap, HeaderValue, header},
};
use std::{io, pin::Pin};
use tokio::io::AsyncRead;
use tokio_util::{
    bytes::Bytes,
    io::{ReaderStream, StreamReader},
};

/// Shorter bodies are sent as they are: they would hardly get shorter, and still cost both sides work.
const SMALLEST: usize = 1024;

/// Bytes of one frame on the wire.
const FRAME: usize = 32 * 1024;

type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    const fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
        }
    }
}

/// Compresses the body if the client asked for it and it is worth it; tells caches that the answer depends on it.
pub fn compress(accept: &HeaderMap, mut response: Response) -> Response {
    if !is_compressible(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(coding) = negotiate(accept) else { return response };
    let chunks = match peek(response.take_body()) {
        Peeked::Short(bytes) => {
            response.set_body(bytes);
            return response;
        }
        Peeked::Long(chunks) => chunks,
    };
    response.set_body(encoded(coding, chunks));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    response
}

fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let of_type = |prefix: &str| response.content_type().is_some_and(|t| t.starts_with(prefix));
    // Events must arrive one by one; pictures are compressed already.
    !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        // The whole and its parts must be of the same bytes.
        && !headers.contains_key(header::ACCEPT_RANGES)
        && !of_type("text/event-stream")
        && !of_type("image/")
}

enum Peeked {
    Short(Bytes),
    Long(Chunks),
}

/// Looks at what is ready without waiting for more, so that a slow stream starts at once.
fn peek(body: Body) -> Peeked {
    if body.is_empty() {
        return Peeked::Short(Bytes::new());
    }
    let mut chunks: Chunks = Box::pin(body.into_bytes_stream());
    let mut ready = Vec::new();
    let mut size = 0;
    while size < SMALLEST {
        match chunks.next().now_or_never() {
            Some(Some(Ok(chunk))) => {
                size += chunk.len();
                ready.push(chunk);
            }
            Some(None) => return Peeked::Short(Bytes::from(ready.concat())),
            Some(Some(Err(err))) => {
                chunks = Box::pin(stream::iter([Err(err)]));
                break;
            }
            None => break,
        }
    }
    Peeked::Long(Box::pin(stream::iter(ready).map(Ok).chain(chunks)))
}

/// The fastest level of each: the work is done for every answer, and most of the gain is in compressing at all.
fn encoded(coding: Coding, chunks: Chunks) -> Body {
    let reader = StreamReader::new(chunks);
    match coding {
        Coding::Zstd => framed(ZstdEncoder::with_quality(reader, Level::Fastest)),
        Coding::Gzip => framed(GzipEncoder::with_quality(reader, Level::Fastest)),
    }
}

fn framed(reader: impl AsyncRead + Send + 'static) -> Body {
    Body::from_bytes_stream(ReaderStream::with_capacity(reader, FRAME))
}

/// The coding with the highest weight (RFC 9110, 12.5.3), zstd where both are as welcome; `None`: as it is.
fn negotiate(headers: &HeaderMap) -> Option<Coding> {
    let values = headers.get_all(header::ACCEPT_ENCODING);
    let offers: Vec<(&str, f32)> =
        values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).map(weighted).collect();
    let weight = |name: &str| offers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|o| o.1);
    let any = weight("*").unwrap_or(0.0);
    let zstd = weight("zstd").unwrap_or(any);
    let gzip = weight("gzip").or_else(|| weight("x-gzip")).unwrap_or(any);
    let (coding, best) = if zstd >= gzip { (Coding::Zstd, zstd) } else { (Coding::Gzip, gzip) };
    // Unnamed, the plain form is acceptable but not preferred.
    (best > 0.0 && best >= weight("identity").unwrap_or(0.0)).then_some(coding)
}

/// `gzip;q=0.5` → `("gzip", 0.5)`. A weight that cannot be read refuses the coding: the plain form is always right.
fn weighted(offer: &str) -> (&str, f32) {
    let mut parts = offer.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let q = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    (name, q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_coding_is_chosen_by_weight() {
        for (accept, coding) in [
            ("zstd", Some(Coding::Zstd)),
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip;q=1.0, zstd;q=0.5", Some(Coding::Gzip)),
            ("GZIP ; Q=0.5", Some(Coding::Gzip)),
            ("zstd;q=0, gzip", Some(Coding::Gzip)),
            ("zstd;q=0, gzip;q=0", None),
            ("*", Some(Coding::Zstd)),
            ("*;q=0", None),
            ("zstd;q=0, *;q=0.1", Some(Coding::Gzip)),
            ("identity", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some(Coding::Gzip)),
            ("br", None),
            ("gzip;q=much", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
            assert_eq!(negotiate(&headers), coding, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()), None);
    }
}
