//! Lists in parts: `page_size` and `page_token`, and the older `per_page` and `page`.
//!
//! A token is the id of the last item of the part before, so a list that grows meanwhile shows every
//! item once. The `Link` header (RFC 8288) leads to the other parts.

use axum::http::HeaderValue;
use sessera_model::Uuid;
use sessera_store::Page;

use crate::error::ApiError;
use crate::request::Parameters;

/// How many items when nothing is asked for.
const DEFAULT_SIZE: u32 = 250;

/// The most items of one part.
const MAX_SIZE: u32 = 1000;

/// How far the older parameters reach: every part before has to be read.
const MAX_SKIPPED: u32 = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    after: Option<Uuid>,
    skip: u32,
    size: u32,
}

/// Where a part lies in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The last item of the part, when more follow.
    next: Option<Uuid>,
    /// There is nothing in the part.
    is_empty: bool,
    size: u32,
}

impl Paging {
    /// Reads the parameters. 400 when they make no sense.
    pub(crate) fn from_parameters(parameters: &Parameters) -> Result<Self, ApiError> {
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
        let size =
            size.map_or(DEFAULT_SIZE, |size| u32::try_from(size).unwrap_or(MAX_SIZE).clamp(1, MAX_SIZE));
        let page = if after.is_some() { None } else { number(parameters, "page")? };
        let skip = page.unwrap_or(0).saturating_mul(size.into());
        let skip = u32::try_from(skip).ok().filter(|skip| *skip <= MAX_SKIPPED).ok_or_else(|| {
            ApiError::bad_request(format!(
                "The parameter page reaches the first {MAX_SKIPPED} items only. Follow the Link header, which uses page_token."
            ))
        })?;
        Ok(Self { after, skip, size })
    }

    /// What to ask the store for: one item more than is shown tells whether more follow.
    pub(crate) const fn query(&self) -> Page {
        Page { after: self.after, limit: self.skip + self.size + 1 }
    }

    /// Cuts what the store gave to the part that is shown.
    pub(crate) fn cut<T>(&self, items: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Place {
        items.drain(..items.len().min(self.skip as usize));
        let more = items.len() > self.size as usize;
        items.truncate(self.size as usize);
        let next = if more { items.last().map(id) } else { None };
        Place { next, is_empty: items.is_empty(), size: self.size }
    }
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<u64>, ApiError> {
    parameters
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| ApiError::bad_request(format!("The parameter {name} is not a number.")))
        })
        .transpose()
}

impl Place {
    /// The place of a list that is always shown whole.
    pub(crate) const fn whole() -> Self {
        Self { next: None, is_empty: false, size: DEFAULT_SIZE }
    }

    /// The `Link` header: `first`, and `next` when more items follow.
    pub(crate) fn link(&self, path: &str, parameters: &Parameters) -> Result<HeaderValue, ApiError> {
        let mut links = vec![self.entry(path, parameters, "first", Uuid::nil())];
        if let Some(next) = self.next {
            links.push(self.entry(path, parameters, "next", next));
        }
        HeaderValue::from_str(&links.join(",")).map_err(ApiError::internal)
    }

    /// The header `Link` of lists of sessions, in which the wire contract has `next` and `prev` on empty
    /// parts.
    pub(crate) fn link_of_sessions(
        &self,
        path: &str,
        parameters: &Parameters,
    ) -> Result<HeaderValue, ApiError> {
        if !self.is_empty {
            return self.link(path, parameters);
        }
        let links = ["first", "next", "prev"].map(|rel| self.entry(path, parameters, rel, Uuid::nil()));
        HeaderValue::from_str(&links.join(",")).map_err(ApiError::internal)
    }

    fn entry(&self, path: &str, parameters: &Parameters, rel: &str, token: Uuid) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters.iter() {
            if !matches!(name, "page" | "per_page" | "page_size" | "page_token") {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page_size", &self.size.to_string());
        query.append_pair("page_token", &token.to_string());
        format!("<{path}?{}>; rel=\"{rel}\"", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> Result<Paging, ApiError> {
        Paging::from_parameters(&Parameters::parse(query))
    }

    #[test]
    fn sizes_are_bounded() {
        for (query, size) in [
            ("", 250),
            ("page_size=", 250),
            ("page_size=10", 10),
            ("per_page=7", 7),
            ("page_size=10&per_page=7", 10),
            ("page_size=0", 1),
            ("page_size=99999999999", 1000),
        ] {
            assert_eq!(paging(query).unwrap().size, size, "{query}");
        }
        for query in ["page_size=x", "page_size=-1", "page_token=x", "page=1000", "page=5&per_page=500"] {
            assert_eq!(paging(query).unwrap_err().code(), 400, "{query}");
        }
    }

    #[test]
    fn parts_follow_each_other() {
        let all: Vec<Uuid> = (1..=5).map(Uuid::from_u128).collect();
        let first = paging("page_size=2").unwrap();
        assert_eq!(first.query(), Page { after: None, limit: 3 });
        let mut items = all[..3].to_vec();
        let place = first.cut(&mut items, |id| *id);
        assert_eq!(items, all[..2]);
        let parameters = Parameters::parse("ids=a%20b&page_size=2&page=0");
        assert_eq!(
            place.link("/admin/identities", &parameters).unwrap(),
            "</admin/identities?ids=a+b&page_size=2&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\",\
             </admin/identities?ids=a+b&page_size=2&page_token=00000000-0000-0000-0000-000000000002>; rel=\"next\""
        );
        let last = paging("page_size=2&page_token=00000000-0000-0000-0000-000000000003").unwrap();
        assert_eq!(last.query().after, Some(all[2]));
        let mut items = all[3..].to_vec();
        let place = last.cut(&mut items, |id| *id);
        assert_eq!((items.len(), place.next), (2, None));
    }

    #[test]
    fn the_older_parameters_skip() {
        let second = paging("page=1&per_page=2").unwrap();
        assert_eq!(second.query(), Page { after: None, limit: 5 });
        let mut items: Vec<Uuid> = (1..=5).map(Uuid::from_u128).collect();
        let place = second.cut(&mut items, |id| *id);
        assert_eq!(items, [Uuid::from_u128(3), Uuid::from_u128(4)]);
        assert_eq!(place.next, Some(Uuid::from_u128(4)));
        let mut few = vec![Uuid::from_u128(1)];
        assert!(second.cut(&mut few, |id| *id).is_empty);
    }

    #[test]
    fn empty_lists_of_sessions_link_as_the_contract_has_it() {
        let place = paging("").unwrap().cut(&mut Vec::new(), |id: &Uuid| *id);
        let none = Parameters::default();
        let count = |header: HeaderValue| header.to_str().unwrap().matches("rel=").count();
        assert_eq!(count(place.link("/x", &none).unwrap()), 1);
        assert_eq!(count(place.link_of_sessions("/x", &none).unwrap()), 3);
        assert_eq!(count(Place::whole().link_of_sessions("/x", &none).unwrap()), 1);
    }
}
