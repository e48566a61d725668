//! The photo of a visit: a picture that no other has, and its way to the server in parts (tus 1.0). What a broken link lost is
//! sent again from where the server stands.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::link::{Answer, Ask, Link, PATIENCE, Trouble};

/// Pixels a side.
const SIDE: u32 = 160;
/// A request that may still be at work has so long to end.
const AWHILE: Duration = Duration::from_millis(200);
/// Bytes in one request: a few for each photo.
const PART: usize = 8 * 1024;

/// A photo that the server does not have yet.
pub struct Photo {
    /// Of its record.
    pub id: Uuid,
    bytes: Vec<u8>,
    /// Where its upload is, once it was begun.
    path: Option<String>,
}

impl Photo {
    /// Stripes with the noise of a bad camera.
    pub fn taken(id: Uuid, chance: &mut StdRng) -> Self {
        let shade: [u8; 3] = chance.random();
        let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let noise = chance.random_range(0..32u8);
            Rgb(shade.map(|part| part.wrapping_add(noise).wrapping_add((((x + y) / 20) as u8).wrapping_mul(20))))
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Jpeg).expect("a picture in memory can be written as JPEG");
        Photo { id, bytes: bytes.into_inner(), path: None }
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Sends what the server does not have.
    ///
    /// # Errors
    /// `Lost`: try again, it goes on where it was.
    pub async fn send(&mut self, link: &mut Link, chance: &mut StdRng) -> Result<(), Trouble> {
        // The answer to the last part may have been lost.
        let record = link.get(&format!("/v1/attachments/{}", self.id), chance).await?;
        if record["state"] == json!("ready") {
            return Ok(());
        }
        let path = match self.path.clone() {
            Some(path) => path,
            None => self.begin(link, chance).await?,
        };
        let stands = self.ask(Method::HEAD, &path, &[], &[]);
        let mut at = offset(&link.send(&stands, chance).await?)?;
        let mut conflicts = 0;
        while at < self.bytes.len() {
            let part = &self.bytes[at..self.bytes.len().min(at + PART)];
            let headers =
                [("upload-offset", at.to_string()), ("content-type", "application/offset+octet-stream".into())];
            at = match link.send(&self.ask(Method::PATCH, &path, &headers, part), chance).await {
                // A try that a failing server could not tell the end of had arrived after all.
                Err(Trouble::Conflict(_)) if conflicts < PATIENCE => {
                    conflicts += 1;
                    sleep(AWHILE).await;
                    offset(&link.send(&stands, chance).await?)?
                }
                answer => offset(&answer?)?,
            };
        }
        Ok(())
    }

    async fn begin(&mut self, link: &mut Link, chance: &mut StdRng) -> Result<String, Trouble> {
        let metadata = format!("attachmentId {}", STANDARD.encode(self.id.to_string()));
        let headers = [("upload-length", self.bytes.len().to_string()), ("upload-metadata", metadata)];
        let answer = link.send(&self.ask(Method::POST, "/v1/uploads", &headers, &[]), chance).await?;
        let told = answer.headers.get("location").and_then(|value| value.to_str().ok()?.rsplit('/').next());
        let id = told.ok_or_else(|| Trouble::Refused("an upload was begun and nobody said where".into()))?;
        Ok(self.path.insert(format!("/v1/uploads/{id}")).clone())
    }

    fn ask(&self, method: Method, path: &str, headers: &[(&'static str, String)], body: &[u8]) -> Ask {
        let version = [("tus-resumable", "1.0.0".to_owned())];
        let headers = version.into_iter().chain(headers.iter().cloned()).collect();
        Ask { method, path: path.to_owned(), headers, body: body.to_vec() }
    }
}

fn offset(answer: &Answer) -> Result<usize, Trouble> {
    let told = answer.headers.get("upload-offset").and_then(|value| value.to_str().ok()?.parse().ok());
    told.ok_or_else(|| Trouble::Refused("the server does not say how much of an upload it has".into()))
}
