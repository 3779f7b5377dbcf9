//! Lists in parts: `page_size` and `page_token`, and the older `per_page` and `page`.
//!
//! A token is the id of the last item of the part before, so a list that grows meanwhile shows every item once. In a
//! list whose items have no such ids it is their number so far, written in the same form. The `Link` header (RFC 8288)
//! leads to the other parts, and [`TOTAL`] tells how long some lists are.

use axum::http::{HeaderName, HeaderValue};
use sessera_model::Uuid;
use sessera_store::Page;

use crate::answer::ApiError;
use crate::request::Parameters;

/// The header that tells how many items a list has.
pub const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// How many items when nothing is asked for.
const DEFAULT_SIZE: u32 = 250;

/// The most items of one part.
const MAX_SIZE: u32 = 1000;

/// How far the older parameters reach: every part before has to be read.
const MAX_SKIPPED: u32 = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    after: Option<Uuid>,
    skip: u32,
    size: u32,
    /// Whether a parameter asks for a part.
    is_asked: bool,
    /// Whether the part is asked for by its number alone, in the older way.
    is_by_number: bool,
}

/// Where a part lies in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBounds {
    /// The last item of the part, when more follow.
    next: Option<Uuid>,
    /// Nothing was asked for, and there is nothing.
    is_empty: bool,
    size: u32,
}

impl Paging {
    /// Reads the parameters. The answer is 400 when they make no sense.
    pub fn from_parameters(parameters: &Parameters) -> Result<Self, ApiError> {
        let after = match parameters.get("page_token") {
            None => None,
            Some(token) => Some(Uuid::parse_str(token).map_err(|_| {
                ApiError::bad_request("The page_token is not one that this server gave. Begin without one.")
            })?)
            .filter(|id| !id.is_nil()),
        };
        let size = match number(parameters, "page_size")? {
            None => number(parameters, "per_page")?,
            size => size,
        };
        let size = match size {
            // Clients send 0 for a size that nobody set.
            None | Some(0) => DEFAULT_SIZE,
            Some(size) => u32::try_from(size).unwrap_or(MAX_SIZE).min(MAX_SIZE),
        };
        let page = if after.is_some() { None } else { number(parameters, "page")? };
        let skip = page.unwrap_or(0).saturating_mul(size.into());
        let skip = u32::try_from(skip).ok().filter(|skip| *skip <= MAX_SKIPPED).ok_or_else(|| {
            ApiError::bad_request(format!(
                "The parameter page reaches the first {MAX_SKIPPED} items only. Follow the Link header, which uses page_token."
            ))
        })?;
        let is_asked = parameters.iter().any(|(name, _)| is_of_paging(name));
        let is_there = |wanted: &str| parameters.iter().any(|(name, _)| name == wanted);
        let is_by_number = is_there("page") && !is_there("page_token") && !is_there("page_size");
        Ok(Self { after, skip, size, is_asked, is_by_number })
    }

    /// Whether the part is asked for by its number. Then the answer tells how long the list is, and leads to the parts
    /// around it by their numbers ([`Self::link_by_number`]).
    pub const fn is_by_number(&self) -> bool {
        self.is_by_number
    }

    /// The `Link` header of a list of `total` items that is read by the numbers of its parts, as the wire contract has it.
    pub fn link_by_number(
        &self,
        path: &str,
        parameters: &Parameters,
        total: u64,
    ) -> Result<HeaderValue, ApiError> {
        let (size, number) = (u64::from(self.size), u64::from(self.skip / self.size));
        let last = total.div_ceil(size).saturating_sub(1);
        let (next, before) = (("next", number + 1), ("prev", number.saturating_sub(1)));
        let links = match number {
            _ if total == 0 => vec![("first", 0), next, before],
            number if number < last && number == 0 => vec![next, ("last", last)],
            number if number < last => vec![("first", 0), next, before, ("last", last)],
            _ if last == 0 => vec![("first", 0)],
            _ => vec![("first", 0), ("prev", last - 1)],
        };
        let link = |(rel, number): &(&str, u64)| {
            let mut query = others(parameters);
            query.append_pair("per_page", &size.to_string()).append_pair("page", &number.to_string());
            format!("<{path}?{}>; rel=\"{rel}\"", query.finish())
        };
        let links: Vec<String> = links.iter().map(link).collect();
        HeaderValue::from_str(&links.join(",")).map_err(ApiError::internal)
    }

    /// What to ask the store for: one item more than is shown tells whether more follow.
    pub const fn query(&self) -> Page {
        Page { after: self.after, limit: self.skip + self.size + 1 }
    }

    /// Cuts what the store gave to the part that is shown.
    pub fn cut<T>(&self, items: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> PageBounds {
        items.drain(..items.len().min(self.skip as usize));
        let more = items.len() > self.size as usize;
        items.truncate(self.size as usize);
        let next = if more { items.last().map(id) } else { None };
        PageBounds { next, is_empty: items.is_empty() && !self.is_asked, size: self.size }
    }

    /// Where a part lies that its reader has cut already: `next` is the place of its last item, when more follow.
    pub const fn bounds(&self, next: Option<Uuid>) -> PageBounds {
        PageBounds { next, is_empty: false, size: self.size }
    }

    /// How many items are shown.
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// The part of a list that is in memory, whose items have no ids of their own.
    pub fn part<T>(&self, items: impl Iterator<Item = T>) -> (Vec<T>, PageBounds) {
        let before = self.after.map_or(0, |after| usize::try_from(after.as_u128()).unwrap_or(usize::MAX));
        let limit = self.query().limit as usize;
        let numbered = (1_u128..).zip(items).skip(before).take(limit);
        let mut items: Vec<(u128, T)> = numbered.collect();
        let bounds = self.cut(&mut items, |(number, _)| Uuid::from_u128(*number));
        (items.into_iter().map(|(_, item)| item).collect(), bounds)
    }
}

/// A query with the parameters that are not about parts.
fn others(parameters: &Parameters) -> url::form_urlencoded::Serializer<'static, String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(name, _)| !is_of_paging(name)));
    query
}

fn is_of_paging(name: &str) -> bool {
    matches!(name, "page" | "per_page" | "page_size" | "page_token")
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<u64>, ApiError> {
    parameters
        .all(name)
        .next()
        .map(|text| {
            // A number that is too large for every list is the largest.
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(text.parse().unwrap_or(u64::MAX));
            }
            Err(ApiError::bad_request(format!(
                "The parameter {name} must be a whole number that is not negative."
            )))
        })
        .transpose()
}

impl PageBounds {
    /// The `Link` header: `first`, and `next` when more items follow.
    pub fn link(&self, path: &str, parameters: &Parameters) -> Result<HeaderValue, ApiError> {
        let mut links = vec![self.entry(path, parameters, "first", Uuid::nil())];
        if let Some(next) = self.next {
            links.push(self.entry(path, parameters, "next", next));
        }
        HeaderValue::from_str(&links.join(",")).map_err(ApiError::internal)
    }

    /// The header `Link` of lists of sessions, in which the wire contract has `next` and `prev` when a list is empty
    /// from the start. They lead to a part without them, so whoever follows comes to an end.
    pub fn link_of_sessions(&self, path: &str, parameters: &Parameters) -> Result<HeaderValue, ApiError> {
        if !self.is_empty {
            return self.link(path, parameters);
        }
        let links = ["first", "next", "prev"].map(|rel| self.entry(path, parameters, rel, Uuid::nil()));
        HeaderValue::from_str(&links.join(",")).map_err(ApiError::internal)
    }

    fn entry(&self, path: &str, parameters: &Parameters, rel: &str, token: Uuid) -> String {
        format!("<{path}?{}>; rel=\"{rel}\"", self.query(parameters, token))
    }

    /// The query that asks for the next part, when more items follow.
    pub fn next_query(&self, parameters: &Parameters) -> Option<String> {
        self.next.map(|next| self.query(parameters, next))
    }

    fn query(&self, parameters: &Parameters, token: Uuid) -> String {
        let mut query = others(parameters);
        query.append_pair("page_size", &self.size.to_string());
        query.append_pair("page_token", &token.to_string());
        query.finish()
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
