//! Files and environment together.

use serde_json::{Map, Value};

use crate::config::read;
use crate::environment::{self, Environment};
use crate::error::{ConfigError, invalid};
use crate::file::ConfigFile;
use crate::loaded::Loaded;
use crate::merge::merge;
use crate::problem::Problem;
use crate::upstream::{as_it_counts, as_it_counts_in};
use crate::yaml;

/// Reads files, later ones over earlier ones, and lays the environment over them. The error has everything that is
/// wrong with them.
pub fn load(files: &[ConfigFile], environment: &Environment) -> Result<Loaded, ConfigError> {
    let loaded = load_all(files, environment);
    // Where there is an error, the others are told with it, so that nobody mends one after the other.
    if loaded.errors.is_empty() { Ok(loaded) } else { Err(invalid(loaded.judged().1)) }
}

/// Reads what can be read, whatever is wrong with the rest.
pub fn load_all(files: &[ConfigFile], environment: &Environment) -> Loaded {
    let mut loaded = Loaded { tree: Value::Object(Map::new()), ..Loaded::default() };
    let documents: Vec<_> = files.iter().map(read_file).collect();
    // What of a file counts follows from all of them together.
    let mut whole = Loaded { tree: Value::Object(Map::new()), ..Loaded::default() };
    for document in documents.iter().flatten() {
        merge(&mut whole.tree, document.value.clone());
    }
    environment::overlay(&mut whole, environment);
    for (file, document) in files.iter().zip(documents) {
        match document {
            Ok(document) => {
                for (pointer, line) in document.lines {
                    loaded.places.note(pointer, format!("{}:{line}", file.path().display()));
                }
                // A value that cannot be used is an error even where another source overrides it.
                let (_, found) = read(&as_it_counts_in(&document.value, &whole.tree));
                let unusable = found.wrong.iter().chain(&found.weak);
                loaded.errors.extend(unusable.map(|problem| loaded.places.locate(problem)));
                merge(&mut loaded.tree, document.value);
            }
            Err(sentence) => loaded.errors.push(sentence),
        }
    }
    environment::overlay(&mut loaded, environment);
    let (_, found) = read(&as_it_counts(&loaded.tree));
    let locate = |problem: &Problem| loaded.places.locate(problem);
    let wrong: Vec<String> = found.wrong.iter().chain(&found.weak).map(locate).collect();
    loaded
        .errors
        .extend(wrong.into_iter().filter(|error| !loaded.errors.contains(error)).collect::<Vec<_>>());
    loaded.warnings.extend(found.unknown.iter().chain(&found.without_effect).map(locate));
    loaded
}

/// What stands in one file, whose value is an object.
fn read_file(file: &ConfigFile) -> Result<yaml::Document, String> {
    let name = file.path().display();
    let text = file.read().map_err(|error| format!("{name}: {error}"))?;
    let mut document = yaml::parse(&text).map_err(|error| {
        let place = error.line.map_or_else(|| name.to_string(), |line| format!("{name}:{line}"));
        format!("{place}: {}", error.message)
    })?;
    let says_something = !document.value.is_null();
    file.note(says_something).map_err(|error| format!("{name}: {error}"))?;
    if !says_something {
        document.value = Value::Object(Map::new());
    }
    if document.value.is_object() {
        Ok(document)
    } else {
        Err(format!("{name}:1: a configuration is an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn later_files_and_the_environment_lie_over_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1.yml"), folder.path().join("2.yml"));
        std::fs::write(&one, "session: {lifespan: 1h, cookie: {name: a}}\nlog: {level: info}\n").unwrap();
        std::fs::write(&two, "session: {cookie: {name: b}}\nsesion: 1\n").unwrap();
        let environment = Environment::from([("LOG_LEVEL".to_owned(), "debug".to_owned())]);
        let loaded = load(&[one.into(), two.into()], &environment).unwrap();
        assert_eq!(
            loaded.tree,
            json!({"session": {"lifespan": "1h", "cookie": {"name": "b"}}, "log": {"level": "debug"}, "sesion": 1})
        );
        assert!(
            loaded.warnings[0].contains("2.yml:2: /sesion") && loaded.warnings[0].contains("\"session\"")
        );
    }

    #[test]
    fn a_file_that_was_emptied_is_no_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yml");
        let file = ConfigFile::from(&path);
        let read = |content: &str| {
            std::fs::write(&path, content).unwrap();
            load(std::slice::from_ref(&file), &Environment::default()).map(|loaded| loaded.tree)
        };
        assert_eq!(read("# Nothing yet\n").unwrap(), json!({}), "one that never said anything");
        assert_eq!(read("dev: true\n").unwrap(), json!({"dev": true}));
        for emptied in ["", "# dev: true\n"] {
            assert!(read(emptied).unwrap_err().to_string().contains("write {}"), "{emptied:?}");
        }
        assert_eq!(read("{}").unwrap(), json!({}));
    }

    #[test]
    fn what_a_kratos_yml_says_of_people_stops_nobody_who_has_an_upstream() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let (theirs, ours): (ConfigFile, ConfigFile) =
            (file("kratos.yml").into(), file("sessera.yml").into());
        let people = "selfservice: {methods: {new: {enabled: true}, oidc: {config: {providers: [{id: a, provider: newer}]}}}, flows: {login: {after: {hooks: [{hook: newest}]}}}}\n";
        std::fs::write(theirs.path(), people).unwrap();
        std::fs::write(ours.path(), "session: {upstream: {url: 'http://kratos:4433'}}\n").unwrap();
        let none = Environment::default();
        assert!(load(std::slice::from_ref(&theirs), &none).is_err(), "without an upstream it counts");
        let by_file = load(&[theirs.clone(), ours], &none).unwrap().config().unwrap();
        let named = Environment::from([("SESSION_UPSTREAM_URL".to_owned(), "http://kratos:4433".to_owned())]);
        let by_environment = load(&[theirs], &named).unwrap().config().unwrap();
        for config in [by_file, by_environment] {
            let noted: Vec<_> = config.notes.iter().map(|note| note.pointer.as_str()).collect();
            assert_eq!(noted, ["/selfservice/methods", "/selfservice/flows"]);
        }
    }

    #[test]
    fn a_value_that_cannot_be_hides_no_contradiction_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        std::fs::write(&file, "log: {level: loud}\nserve: {gateway: {enabled: true, port: 4434}}\n").unwrap();
        let error = load(&[file.into()], &Environment::default()).unwrap_err().to_string();
        assert!(error.contains("/log/level") && error.contains("/serve/gateway/port"), "{error}");
    }

    #[test]
    fn errors_name_file_line_and_place_and_hide_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.yml");
        std::fs::write(&file, "log:\n  level: info\nserve:\n  public:\n    port: no\n").unwrap();
        let none = folder.path().join("none.yml");
        let environment = Environment::from(
            [("SERVE_ADMIN_PORT", "x"), ("SERVE_PUBLIC_PORT", "0")]
                .map(|(n, v)| (n.to_owned(), v.to_owned())),
        );
        let error = load(&[none.into(), file.into()], &environment).unwrap_err().to_string();
        for part in
            ["none.yml: ", "bad.yml:5: /serve/public/port", "the environment variable SERVE_ADMIN_PORT: "]
        {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_restriction_is_refused_with_its_place_and_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = ConfigFile::from(folder.path().join("c.yml"));
        std::fs::write(file.path(), "clients:\n  smtp:\n    disallow_private_ip_ranges: true\n").unwrap();
        let refused = |environment: &Environment| {
            load(std::slice::from_ref(&file), environment)
                .unwrap()
                .config()
                .err()
                .map(|error| error.to_string())
        };
        let told = refused(&Environment::new()).unwrap();
        assert!(told.contains("c.yml:3: /clients/smtp/disallow_private_ip_ranges: "), "{told}");
        assert!(told.contains("--accept-unsupported clients.smtp.disallow_private_ip_ranges"), "{told}");
        let key = "clients.smtp.disallow_private_ip_ranges".to_owned();
        assert_eq!(refused(&Environment::from([("ACCEPT_UNSUPPORTED".to_owned(), key)])), None);
    }
}
