//! Where values come from: the line of a file, or a variable of the environment.

use std::collections::HashMap;

use crate::problem::Problem;

/// Where the values of a tree come from, by their JSON Pointers.
#[derive(Clone, Debug, Default)]
pub struct Places(HashMap<String, String>);

impl Places {
    /// Notes where a value comes from. What comes later counts, as its value does.
    pub fn note(&mut self, pointer: String, place: String) {
        self.0.insert(pointer, place);
    }

    /// A problem as a sentence that begins with its place. An object may come from variables of the environment for its
    /// members: then the first of those is named. What comes from nowhere is missing: then the nearest part around it is.
    pub fn locate(&self, problem: &Problem) -> String {
        let mut around = problem.pointer.as_str();
        if !around.is_empty()
            && !self.0.contains_key(around)
            && let Some(place) = self.first_below(around)
        {
            return format!("{place}: {problem}");
        }
        while !around.is_empty() {
            if let Some(place) = self.0.get(around) {
                return format!("{place}: {problem}");
            }
            around = around.rsplit_once('/').map_or("", |(before, _)| before);
        }
        problem.to_string()
    }

    /// Where the first value below a pointer comes from.
    fn first_below(&self, pointer: &str) -> Option<&str> {
        let is_below = |noted: &str| noted.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'));
        self.0.iter().filter(|(noted, _)| is_below(noted)).min().map(|(_, place)| place.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_the_nearest_place() {
        let mut places = Places::default();
        places.note("/a".into(), "f:3".into());
        assert_eq!(places.locate(&Problem::new("/a/b/c", "wrong")), "f:3: /a/b/c: wrong");
        assert_eq!(places.locate(&Problem::new("/b", "wrong")), "/b: wrong");
        places.note("/a/tls/cert/path".into(), "the variable A_TLS_CERT_PATH".into());
        places.note("/a/tlsx".into(), "f:9".into());
        assert_eq!(
            places.locate(&Problem::new("/a/tls", "wrong")),
            "the variable A_TLS_CERT_PATH: /a/tls: wrong"
        );
        assert_eq!(places.locate(&Problem::new("", "wrong: /a")), "wrong: /a");
    }
}
