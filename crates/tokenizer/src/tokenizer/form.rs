//! The claims of a session's tokens as a form: all that is the same in each of them is written and encoded, and their times and
//! their id are blanks to be filled in.
//!
//! A mapper sees times and ids like all other claims, so only the claims of one that has not looked at them make a form.

use std::ops::Range;

use sessera_jose::base64url;

/// How many default claims have another value in each token.
const CHANGING: usize = 4;

/// Where the values of the changing claims stand in the JSON. There is none where a mapper gave a claim another value.
pub(super) type Blanks = [Option<Range<usize>>; CHANGING];

/// Which of the changing claims that is, if it is one, in the order of their names.
pub(super) fn changing(name: &str) -> Option<usize> {
    match name {
        "exp" => Some(0),
        "iat" => Some(1),
        "jti" => Some(2),
        "nbf" => Some(3),
        _ => None,
    }
}

/// The claims of the tokens that one template makes of one session, with blanks.
#[derive(Debug)]
pub struct ClaimsForm {
    /// The issuer for whom they were made.
    pub(super) issuer: Box<str>,
    /// The latest `exp`.
    pub(super) capped_at: i64,
    /// The encoded claims without the part that has the blanks.
    encoded: Box<str>,
    /// How much of `encoded` stands before that part.
    before: usize,
    /// The part with the blanks, as JSON.
    part: Box<[u8]>,
    /// Where the blanks are in the part.
    blanks: Blanks,
}

impl ClaimsForm {
    pub(super) fn new(json: &[u8], blanks: &Blanks, issuer: &str, capped_at: i64) -> Self {
        /// Base64 turns so many bytes into a group that is the same wherever it stands.
        const GROUP: usize = 3;
        let starts = blanks.iter().flatten().map(|blank| blank.start);
        let start = starts.min().map_or(json.len(), |start| start / GROUP * GROUP);
        let ends = blanks.iter().flatten().map(|blank| blank.end);
        let end = ends.max().map_or(json.len(), |end| end.next_multiple_of(GROUP).min(json.len()));
        let mut encoded = base64url::encode(&json[..start]);
        let before = encoded.len();
        base64url::encode_into(&json[end..], &mut encoded);
        let in_part =
            |blank: &Option<Range<usize>>| blank.as_ref().map(|blank| blank.start - start..blank.end - start);
        Self {
            issuer: issuer.into(),
            capped_at,
            encoded: encoded.into(),
            before,
            part: json[start..end].into(),
            blanks: blanks.each_ref().map(in_part),
        }
    }

    /// Appends the encoded claims with these values, which are JSON and come in the order of [`changing`]. Nothing, and
    /// `false`, when one is longer or shorter than its blank.
    pub(super) fn fill(&self, values: [&str; CHANGING], out: &mut String) -> bool {
        let mut part = self.part.to_vec();
        for (blank, value) in self.blanks.iter().zip(values) {
            let Some(blank) = blank.clone() else { continue };
            if blank.len() != value.len() {
                return false;
            }
            part[blank].copy_from_slice(value.as_bytes());
        }
        let (before, after) = self.encoded.split_at(self.before);
        out.push_str(before);
        base64url::encode_into(&part, out);
        out.push_str(after);
        true
    }

    /// How long the encoded claims are, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        self.encoded.len() + self.part.len().div_ceil(3) * 4
    }

    /// Bytes that it takes in memory.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.issuer.len() + self.encoded.len() + self.part.len()
    }
}
