//! The kinds of problems: one row each, with the slug, the status and the title that clients may rely on.
//! What went wrong this time, and with which field, is in the `Refusal` that carries the code.

/// A kind of problem. Clients switch on its URI (`/problems/<slug>`), so a slug never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    Malformed,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Duplicate,
    Locked,
    RecordDeleted,
    DependencyRefused,
    MutationReused,
    IdempotencyKeyReused,
    IdempotencyInProgress,
    AnswerNotKept,
    CursorExpired,
    RevisionMismatch,
    TooLarge,
    UnsupportedMediaType,
    RangeOutside,
    Validation,
    StageRefused,
    FileRefused,
    UploadOffset,
    UploadGone,
    ProtocolVersion,
    ChecksumMismatch,
    BalanceTooLow,
    TooManyRequests,
    Internal,
    Unavailable,
    IdentityProvider,
    Timeout,
}

impl Code {
    pub const ALL: [Code; 32] = [
        Code::Malformed,
        Code::Unauthorized,
        Code::Forbidden,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::Conflict,
        Code::Duplicate,
        Code::Locked,
        Code::RecordDeleted,
        Code::DependencyRefused,
        Code::MutationReused,
        Code::IdempotencyKeyReused,
        Code::IdempotencyInProgress,
        Code::AnswerNotKept,
        Code::CursorExpired,
        Code::RevisionMismatch,
        Code::TooLarge,
        Code::UnsupportedMediaType,
        Code::RangeOutside,
        Code::Validation,
        Code::StageRefused,
        Code::FileRefused,
        Code::UploadOffset,
        Code::UploadGone,
        Code::ProtocolVersion,
        Code::ChecksumMismatch,
        Code::BalanceTooLow,
        Code::TooManyRequests,
        Code::Internal,
        Code::Unavailable,
        Code::IdentityProvider,
        Code::Timeout,
    ];

    const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Code::Malformed => ("malformed", 400, "The request could not be read"),
            Code::Unauthorized => ("unauthorized", 401, "Authentication is needed"),
            Code::Forbidden => ("forbidden", 403, "Not allowed for this user"),
            Code::NotFound => ("not_found", 404, "Not found"),
            Code::MethodNotAllowed => ("method_not_allowed", 405, "This path has no such method"),
            Code::Conflict => ("conflict", 409, "In conflict with the current state"),
            Code::Duplicate => ("duplicate", 409, "Already exists"),
            Code::Locked => ("locked", 409, "The record is locked"),
            Code::RecordDeleted => ("record_deleted", 409, "The record has been deleted"),
            Code::DependencyRefused => ("dependency_refused", 409, "Something that this depends on was refused"),
            Code::MutationReused => ("mutation_reused", 409, "The mutation id was used for something else"),
            Code::IdempotencyKeyReused => {
                ("idempotency_key_reused", 409, "The Idempotency-Key was used for another request")
            }
            Code::IdempotencyInProgress => {
                ("idempotency_in_progress", 409, "The request with this Idempotency-Key is being answered")
            }
            Code::AnswerNotKept => ("answer_not_kept", 409, "The request was carried out, its answer was not kept"),
            Code::CursorExpired => ("cursor_expired", 410, "The cursor can no longer be used"),
            Code::RevisionMismatch => ("revision_mismatch", 412, "The record has changed since it was read"),
            Code::TooLarge => ("too_large", 413, "The request is too large"),
            Code::UnsupportedMediaType => ("unsupported_media_type", 415, "The media type is not supported"),
            Code::RangeOutside => ("range_outside", 416, "The range lies outside of the file"),
            Code::Validation => ("validation", 422, "The values are not acceptable"),
            Code::StageRefused => ("stage_refused", 422, "The stage cannot be entered yet"),
            Code::FileRefused => ("file_refused", 422, "The file cannot be taken"),
            Code::UploadOffset => ("upload_offset", 409, "The upload goes on elsewhere"),
            Code::UploadGone => ("upload_gone", 410, "The upload is over"),
            Code::ProtocolVersion => ("protocol_version", 412, "This version of the protocol is not spoken here"),
            Code::ChecksumMismatch => ("checksum_mismatch", 460, "The checksum does not match"),
            Code::BalanceTooLow => ("balance_too_low", 409, "The balance does not allow this"),
            Code::TooManyRequests => ("too_many_requests", 429, "Too many requests"),
            Code::Internal => ("internal", 500, "Something went wrong on the server"),
            Code::Unavailable => ("unavailable", 503, "Temporarily unavailable"),
            Code::IdentityProvider => ("identity_provider", 503, "The company's identity provider cannot be used"),
            Code::Timeout => ("timeout", 503, "The request took too long"),
        }
    }

    /// Stable name, snake_case; the last segment of the problem's URI.
    pub const fn slug(self) -> &'static str {
        self.row().0
    }

    /// HTTP status.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Short text for people, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// URI reference for `Problem::type`.
    pub fn uri(self) -> String {
        format!("/problems/{}", self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_slug_is_its_own_and_every_status_is_an_error() {
        let slugs: HashSet<_> = Code::ALL.iter().map(|c| c.slug()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|c| (400..600).contains(&c.status())));
    }
}
