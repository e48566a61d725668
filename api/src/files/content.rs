//! What a file is, by its content: names and headers are what somebody says, content is what a reader will find.

use entity::kind::AttachmentKind;

/// Bytes at the beginning of a file that tell what it is.
pub const HEAD: usize = 64 * 1024;

/// A media type that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Jpeg,
    Png,
    Webp,
    Heic,
    M4a,
    Mp3,
    Ogg,
    Wav,
    Aac,
    Amr,
    Pdf,
    Docx,
    Xlsx,
}

/// All of them.
pub const TYPES: [Type; 13] = [
    Type::Jpeg,
    Type::Png,
    Type::Webp,
    Type::Heic,
    Type::M4a,
    Type::Mp3,
    Type::Ogg,
    Type::Wav,
    Type::Aac,
    Type::Amr,
    Type::Pdf,
    Type::Docx,
    Type::Xlsx,
];

impl Type {
    pub const fn media_type(self) -> &'static str {
        match self {
            Type::Jpeg => "image/jpeg",
            Type::Png => "image/png",
            Type::Webp => "image/webp",
            Type::Heic => "image/heic",
            Type::M4a => "audio/mp4",
            Type::Mp3 => "audio/mpeg",
            Type::Ogg => "audio/ogg",
            Type::Wav => "audio/wav",
            Type::Aac => "audio/aac",
            Type::Amr => "audio/amr",
            Type::Pdf => "application/pdf",
            Type::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Type::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    const fn is_picture(self) -> bool {
        matches!(self, Type::Jpeg | Type::Png | Type::Webp | Type::Heic)
    }

    /// Whether it may tell more than its maker means to, and so is read for what others get.
    pub const fn may_tell(self) -> bool {
        self.is_picture() || matches!(self, Type::M4a)
    }

    const fn is_sound(self) -> bool {
        matches!(self, Type::M4a | Type::Mp3 | Type::Ogg | Type::Wav | Type::Aac | Type::Amr)
    }

    /// Whether such an attachment may be of this type. A contract may come as a picture of it.
    pub const fn suits(self, kind: AttachmentKind) -> bool {
        match kind {
            AttachmentKind::Photo => self.is_picture(),
            AttachmentKind::VoiceNote => self.is_sound(),
            AttachmentKind::Document => !self.is_sound(),
        }
    }
}

/// What such an attachment may be, in words.
pub const fn welcome(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Photo => "A photo is JPEG, PNG, WebP or HEIC.",
        AttachmentKind::VoiceNote => "A voice note is M4A, MP3, OGG, WAV, AAC or AMR.",
        AttachmentKind::Document => "A document is PDF, DOCX or XLSX, or a picture.",
    }
}

/// The type of a file that begins like this, and may be of this kind; else what to do.
pub fn of_content(head: &[u8], kind: AttachmentKind) -> Result<Type, String> {
    let found = known(head);
    match found {
        Some(known) if known.suits(kind) => Ok(known),
        Some(known) => Err(format!("The content is {}. {}", known.media_type(), welcome(kind))),
        None => {
            let what = infer::get(head).map_or("of a type that is not known", |found| found.mime_type());
            Err(format!("The content is {what}. {}", welcome(kind)))
        }
    }
}

/// Whether a file that begins like this is of some type.
type Test = fn(&[u8]) -> bool;

fn known(head: &[u8]) -> Option<Type> {
    use infer::{archive, audio, image};
    let tests: [(Test, Type); 13] = [
        (image::is_jpeg, Type::Jpeg),
        (image::is_png, Type::Png),
        (image::is_webp, Type::Webp),
        (image::is_heif, Type::Heic),
        (is_m4a, Type::M4a),
        (audio::is_amr, Type::Amr),
        (audio::is_wav, Type::Wav),
        (audio::is_ogg, Type::Ogg),
        (audio::is_mp3, Type::Mp3),
        (audio::is_aac, Type::Aac),
        (archive::is_pdf, Type::Pdf),
        (|head| is_office(head, b"word/"), Type::Docx),
        (|head| is_office(head, b"xl/"), Type::Xlsx),
    ];
    tests.into_iter().find(|(is, _)| is(head)).map(|(_, known)| known)
}

/// Phones record into MP4 containers of several brands; those that say `M4A ` are told by all readers.
fn is_m4a(head: &[u8]) -> bool {
    infer::audio::is_m4a(head) || head.get(4..8) == Some(b"ftyp") && head.get(8..12) == Some(b"mp42")
}

/// A ZIP with something of this kind in it and what every office document has, in whatever order its writer chose
/// (ECMA-376, part 2).
fn is_office(head: &[u8], kind: &[u8]) -> bool {
    const ENTRY: &[u8] = b"PK\x03\x04";
    const EVERY: [&[u8]; 3] = [b"[Content_Types].xml", b"_rels/.rels", b"docProps/"];
    let names = || {
        let entries = head.windows(ENTRY.len()).enumerate().filter(|(_, part)| *part == ENTRY);
        entries.filter_map(|(at, _)| head.get(at + 30..))
    };
    head.starts_with(ENTRY)
        && names().any(|name| name.starts_with(kind))
        && names().any(|name| EVERY.iter().any(|every| name.starts_with(every)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ZIP with these entries, stored and empty.
    fn zip(names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names {
            bytes.extend_from_slice(b"PK\x03\x04");
            bytes.extend_from_slice(&[0; 22]);
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&[0, 0]);
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }

    #[test]
    fn content_tells_the_type() {
        let docx = zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/styles.xml"]);
        let xlsx = zip(&["docProps/app.xml", "docProps/core.xml", "xl/theme/theme1.xml", "[Content_Types].xml"]);
        let cases: [(&[u8], AttachmentKind, Type); 13] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", AttachmentKind::Photo, Type::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", AttachmentKind::Photo, Type::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", AttachmentKind::Photo, Type::Webp),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", AttachmentKind::Photo, Type::Heic),
            (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", AttachmentKind::VoiceNote, Type::M4a),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", AttachmentKind::VoiceNote, Type::M4a),
            (b"ID3\x04\0\0\0\0\0\0\0\0", AttachmentKind::VoiceNote, Type::Mp3),
            (b"OggS\0\x02\0\0\0\0\0\0", AttachmentKind::VoiceNote, Type::Ogg),
            (b"RIFF\0\0\0\0WAVEfmt ", AttachmentKind::VoiceNote, Type::Wav),
            (b"#!AMR\n\0\0\0\0\0\0\0", AttachmentKind::VoiceNote, Type::Amr),
            (b"%PDF-1.7\n", AttachmentKind::Document, Type::Pdf),
            (&docx, AttachmentKind::Document, Type::Docx),
            (&xlsx, AttachmentKind::Document, Type::Xlsx),
        ];
        for (head, kind, expected) in cases {
            assert_eq!(of_content(head, kind), Ok(expected), "{}", expected.media_type());
        }
        assert_eq!(of_content(b"\xff\xf1\x50\x80\0\0\0\0", AttachmentKind::VoiceNote), Ok(Type::Aac));
    }

    #[test]
    fn what_is_not_taken_is_told() {
        let told = |head: &[u8], kind| of_content(head, kind).expect_err("refused");
        assert!(told(b"%PDF-1.7\n", AttachmentKind::Photo).contains("application/pdf. A photo is JPEG"));
        assert!(told(b"MZ\x90\0", AttachmentKind::Document).contains("A document is PDF"));
        assert!(told(b"<script>alert(1)</script>", AttachmentKind::Photo).contains("A photo is"));
        assert!(told(b"", AttachmentKind::VoiceNote).contains("A voice note is"));
        assert!(told(&zip(&["readme.txt"]), AttachmentKind::Document).contains("application/zip"));
        assert!(told(b"\xff\xd8\xff\xe0", AttachmentKind::VoiceNote).contains("image/jpeg"));
    }
}
