//! Requests that are configured by themselves, and whether they may lead to where they do.

use crate::problem::Findings;
use crate::reach::Reach;
use crate::sections::request::{Request, WrittenRequest};

/// Reads a request whole. `missing` is said where there is no address.
pub(crate) fn request(
    written: WrittenRequest,
    at: &str,
    missing: &str,
    reach: &Reach,
    found: &mut Findings,
) -> Option<Request> {
    let request = written.read_whole(at, missing, found)?;
    reach.judge(&request.url, &format!("{at}/url"), found);
    Some(request)
}
