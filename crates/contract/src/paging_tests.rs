use super::*;

fn paging(query: &str) -> Result<Paging, ApiError> {
    Paging::from_parameters(&Parameters::parse(query).unwrap())
}

#[test]
fn sizes_are_bounded() {
    for (query, size) in [
        ("", 250),
        ("page_size=10", 10),
        ("per_page=7", 7),
        ("page_size=10&per_page=7", 10),
        ("page_size=0", 250),
        ("per_page=0", 250),
        ("page_size=1000", 1000),
        ("page_size=1001", 1000),
        ("page_size=99999999999999999999999999", 1000),
    ] {
        assert_eq!(paging(query).unwrap().size, size, "{query}");
    }
    for query in [
        "page_size=x",
        "page_size=",
        "page=",
        "page_size=-1",
        "page_size=+1",
        "page_size=1.5",
        "per_page=-1",
        "page_token=x",
        "page_token=-1",
        "page=-1",
        "page=1000",
        "page=99999999999999999999999999",
        "page=5&per_page=500",
    ] {
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
    let parameters = Parameters::parse("ids=a%20b&page_size=2&page=0").unwrap();
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
    assert_eq!(second.cut(&mut few, |id| *id).next, None);
    assert!(few.is_empty());
}

#[test]
fn empty_lists_of_sessions_link_as_the_contract_has_it_and_end() {
    let rels = |query: &str| {
        let parameters = Parameters::parse(query).unwrap();
        let place = paging(query).unwrap().cut(&mut Vec::new(), |id: &Uuid| *id);
        let count = |header: HeaderValue| header.to_str().unwrap().matches("rel=").count();
        assert_eq!(count(place.link("/x", &parameters).unwrap()), 1);
        count(place.link_of_sessions("/x", &parameters).unwrap())
    };
    assert_eq!((rels(""), rels("active=false")), (3, 3));
    for asked in ["page_size=5", "page_token=00000000-0000-0000-0000-000000000000", "page=0", "per_page=1"] {
        assert_eq!(rels(asked), 1, "{asked}");
    }
}

#[test]
fn lists_in_memory_have_parts_too() {
    let (mut seen, mut query) = (Vec::new(), "page_size=2".to_owned());
    loop {
        let (items, place) = paging(&query).unwrap().part(["a", "b", "c", "d"].into_iter());
        seen.push(items);
        let Some(next) = place.next else { break };
        query = format!("page_size=2&page_token={next}");
    }
    assert_eq!(seen, [["a", "b"], ["c", "d"]]);
    let far = paging("page_token=ffffffff-ffff-ffff-ffff-ffffffffffff").unwrap();
    assert!(far.part(std::iter::once("a")).0.is_empty());
    assert_eq!(paging("page=1&per_page=3").unwrap().part(["a", "b", "c", "d"].into_iter()).0, ["d"]);
}

#[test]
fn parts_by_number_lead_to_those_around_them() {
    let links = |query: &str, total| {
        let paging = paging(query).unwrap();
        assert!(paging.is_by_number(), "{query}");
        let link = paging.link_by_number("/x", &Parameters::parse(query).unwrap(), total).unwrap();
        let one = |link: &str| {
            let (url, rel) = link.split_once(">; rel=").unwrap();
            let page = url.rsplit_once("page=").unwrap().1;
            format!("{} {page}", rel.trim_matches('"'))
        };
        link.to_str().unwrap().split(',').map(one).collect::<Vec<_>>().join(", ")
    };
    for (query, total, expected) in [
        ("page=0&per_page=2", 0, "first 0, next 1, prev 0"),
        ("page=0&per_page=2", 2, "first 0"),
        ("page=0&per_page=2", 5, "next 1, last 2"),
        ("page=1&per_page=2", 5, "first 0, next 2, prev 0, last 2"),
        ("page=2&per_page=2", 5, "first 0, prev 1"),
        ("page=9&per_page=2", 6, "first 0, prev 1"),
        ("page=0", 251, "next 1, last 1"),
    ] {
        assert_eq!(links(query, total), expected, "{query} of {total}");
    }
    for query in
        ["", "per_page=1", "page=1&page_size=2", "page=1&page_token=00000000-0000-0000-0000-000000000000"]
    {
        assert!(!paging(query).unwrap().is_by_number(), "{query}");
    }
}
